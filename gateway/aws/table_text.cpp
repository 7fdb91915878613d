#include "gateway/aws/table.hpp"

// The file goes into the program as it is: a string literal of this size would take the compiler half a minute.
__asm__(
    ".section .rodata\n"
    ".balign 16\n"
    "holdpoint_aws_table_begin:\n"
    ".incbin \"" HOLDPOINT_AWS_TABLE
    "\"\n"
    "holdpoint_aws_table_end:\n"
    ".byte 0\n"
    ".previous\n");

extern "C" {
__attribute__((visibility("hidden"))) extern const char holdpoint_aws_table_begin[];
__attribute__((visibility("hidden"))) extern const char holdpoint_aws_table_end[];
}

namespace holdpoint::aws {

std::string_view table_text() {
  return {holdpoint_aws_table_begin, static_cast<std::size_t>(holdpoint_aws_table_end - holdpoint_aws_table_begin)};
}

}  // namespace holdpoint::aws
