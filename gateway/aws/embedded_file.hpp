// A file of the tree that goes into the program as it is: a string literal of this size would take the compiler half a
// minute. For one source each, at file scope, outside of namespaces.
#pragma once

#include <string_view>

/// Defines `symbol()`, a std::string_view of the bytes of `file` (a string literal: an absolute path).
#define HOLDPOINT_EMBED_FILE(symbol, file)                                                   \
  __asm__(".section .rodata\n.balign 16\n" #symbol "_begin:\n.incbin \"" file "\"\n" #symbol \
          "_end:\n.byte 0\n.previous\n");                                                    \
  extern "C" {                                                                               \
  __attribute__((visibility("hidden"))) extern const char symbol##_begin[];                  \
  __attribute__((visibility("hidden"))) extern const char symbol##_end[];                    \
  }                                                                                          \
  static std::string_view symbol() { return {symbol##_begin, static_cast<std::size_t>(symbol##_end - symbol##_begin)}; }
