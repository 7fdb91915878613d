# Compiler options for every target of ours. Assertions (invariant) are code, not macros of the build type.
add_library(holdpoint_options INTERFACE)
target_compile_options(holdpoint_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers
  -fstack-protector-strong -g1)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of GCC 12: on coroutine frames, and on std::string's operator+ when optimising (GCC bug 105651).
  target_compile_options(holdpoint_options INTERFACE -Wno-mismatched-new-delete -Wno-restrict)
  if(HOLDPOINT_UNITY)
    # Sources that are included are taken for headers.
    target_compile_options(holdpoint_options INTERFACE -Wno-subobject-linkage)
  endif()
endif()
# Implicit conversions make Result<Json> ambiguous and hide type errors.
target_compile_definitions(holdpoint_options INTERFACE JSON_USE_IMPLICIT_CONVERSIONS=0)
target_include_directories(holdpoint_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
if(HOLDPOINT_SANITIZE)
  target_compile_options(holdpoint_options INTERFACE -fsanitize=${HOLDPOINT_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(holdpoint_options INTERFACE -fsanitize=${HOLDPOINT_SANITIZE})
  # The masker's sandbox takes what the runtimes need (masker/worker/sandbox.hpp).
  target_compile_definitions(holdpoint_options INTERFACE HOLDPOINT_SANITIZED=1)
else()
  target_link_options(holdpoint_options INTERFACE -Wl,-z,relro,-z,now)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT HOLDPOINT_SANITIZE)
  target_compile_definitions(holdpoint_options INTERFACE _FORTIFY_SOURCE=2)
endif()
