// What a sanitizer's runtime is told in our programs and tests. It stands in them because the supervisor hands none of
// its environment on to the processes; TSAN_OPTIONS and ASAN_OPTIONS still come on top where they are set.
extern "C" {

extern const char holdpoint_tsan_suppressions[];
// NOLINTNEXTLINE: the runtimes look for these names.
const char* __tsan_default_suppressions() { return holdpoint_tsan_suppressions; }
// A report of a lock order names the stacks of both locks.
const char* __tsan_default_options() {
  return "second_deadlock_stack=1:external_symbolizer_path=" HOLDPOINT_SYMBOLIZER;
}
const char* __asan_default_options() { return "external_symbolizer_path=" HOLDPOINT_SYMBOLIZER; }
const char* __ubsan_default_options() { return "print_stacktrace=1:external_symbolizer_path=" HOLDPOINT_SYMBOLIZER; }
}

asm(".section .rodata\n"
    ".global holdpoint_tsan_suppressions\n"
    "holdpoint_tsan_suppressions:\n"
    ".incbin \"" HOLDPOINT_TSAN_SUPPRESSIONS
    "\"\n"
    ".byte 0\n"
    ".previous\n");
