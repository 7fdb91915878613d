// libFuzzer's entry. Hours: mask_fuzzer -max_len=4096 CORPUS
#include "tests/fuzz/mask_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  holdpoint::fuzz::mask_one(data, size);
  return 0;
}
