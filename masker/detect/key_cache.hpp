// Remembers what names say. Documents have few names and repeat them; a hostile one only displaces them here.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "masker/detect/key_name.hpp"

namespace holdpoint::masker {

class KeyCache {
 public:
  KeyFacts facts(std::string_view name) {
    if (name.size() > name_bytes_max) return key_facts(name);
    Slot& slot = slots_[hash(name) % slots_.size()];
    if (slot.used && slot.length == name.size() && std::memcmp(slot.name.data(), name.data(), name.size()) == 0)
      return slot.facts;
    slot.facts = key_facts(name);
    slot.length = static_cast<std::uint8_t>(name.size());
    slot.used = true;
    std::memcpy(slot.name.data(), name.data(), name.size());
    return slot.facts;
  }

 private:
  static constexpr std::size_t name_bytes_max = 48;  // longer names are rare and judged anew
  struct Slot {
    std::array<char, name_bytes_max> name;
    std::uint8_t length = 0;
    bool used = false;
    KeyFacts facts;
  };
  static std::uint32_t hash(std::string_view name) {
    std::uint32_t value = 2166136261U;
    for (char c : name) value = (value ^ static_cast<unsigned char>(c)) * 16777619U;
    return value ^ (value >> 15);
  }

  std::array<Slot, 2048> slots_;
};

/// This thread's: facts do not depend on the document.
KeyCache& known_keys();

}  // namespace holdpoint::masker
