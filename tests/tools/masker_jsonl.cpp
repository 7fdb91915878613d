// The engine on standard input and output, for ../shared/masking/score.py.
#include <iostream>

#include "masker/mask.hpp"
#include "masker/offline.hpp"

int main() {
  std::ios::sync_with_stdio(false);
  holdpoint::masker::prepare();
  std::string line;
  while (std::getline(std::cin, line)) std::cout << holdpoint::masker::mask_line(line) << '\n' << std::flush;
}
