// Identifiers: 16 bytes, UUID version 7 (RFC 9562), so that they sort by the time they were made.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "bus/base/time.hpp"

namespace holdpoint {

struct Id {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Id&) const = default;
  [[nodiscard]] bool empty() const { return *this == Id{}; }
  [[nodiscard]] std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
};

/// Where identifiers come from; a test or the simulator hands out its own.
class IdSource {
 public:
  virtual ~IdSource() = default;
  virtual Id next(Instant now) = 0;
};

/// Random bits from the system.
class RandomIdSource final : public IdSource {
 public:
  Id next(Instant now) override;
};

/// UUID text, lower case.
std::string to_text(const Id& id);
std::optional<Id> id_from_text(std::string_view text);
/// `bytes` of any length but 16 is nullopt.
std::optional<Id> id_from_bytes(std::string_view bytes);

}  // namespace holdpoint

template <>
struct std::hash<holdpoint::Id> {
  std::size_t operator()(const holdpoint::Id& id) const noexcept { return std::hash<std::string_view>{}(id.view()); }
};
