// What was masked in one answer, and what policy left unmasked, for the record and for the agent: classes, detectors,
// places and counts. Never a value: of what the masker says only known classes, whole counts and plain words are taken
// over. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bus/base/json.hpp"
#include "gateway/policy/decision.hpp"

namespace holdpoint::record {

/// The answer's header that tells the agent; a target's own of that prefix are dropped (gateway/pipeline/answer.hpp).
inline constexpr std::string_view kMaskedHeader = "x-holdpoint-masked";

class Findings {
 public:
  /// `told` is the `findings` of a PayloadMasked; of anything else nothing is taken. `place` stands for what has no
  /// path of its own.
  void add(const Json& told, std::string_view place = {});
  /// `told` is the `unmasked` of a PayloadMasked, left by `unmask`.
  void add_unmasked(const Json& told, const std::vector<policy::Unmask>& unmask, std::string_view place = {});
  [[nodiscard]] bool empty() const { return rows_.empty() && left_.empty(); }
  /// [{"class","rule","count","path"?}], as holdpoint.operation.completed has it: at most 64 rows with a path, and one
  /// for each class and rule beyond them.
  [[nodiscard]] Json to_json() const;
  /// [{"class","rule","count","path"?,"policy","statement","until"}], in the same bounds.
  [[nodiscard]] Json unmasked_json() const;
  /// A structured field (RFC 8941): `3; classes="aws-secret-key,card"; unmasked="email"`. Empty when nothing was found.
  [[nodiscard]] std::string header() const;

 private:
  struct Row {
    std::string kind;
    std::string rule;
    std::string path;
    std::uint64_t count;
  };
  using Rows = std::vector<Row>;
  static void take_over(const Json& told, std::string_view place, Rows& rows);
  static void count(Row row, Rows& rows);
  static Json to_json(const Row& row);

  Rows rows_;
  Rows left_;
  std::vector<policy::Unmask> unmask_;
};

}  // namespace holdpoint::record
