// libFuzzer's entry for one form, named by HOLDPOINT_FUZZ_FORM.
#include "tests/fuzz/form_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  holdpoint::fuzz::form_one(HOLDPOINT_FUZZ_FORM, data, size);
  return 0;
}
