// What was masked in one answer, for the record and for the agent: classes, detectors, places and counts. Never a
// value: of what the masker says only known classes, whole counts and plain words are taken over. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bus/base/json.hpp"

namespace holdpoint::record {

/// The answer's header that tells the agent; a target's own of that prefix are dropped (gateway/pipeline/answer.hpp).
inline constexpr std::string_view kMaskedHeader = "x-holdpoint-masked";

class Findings {
 public:
  /// `told` is the `findings` of a PayloadMasked; of anything else nothing is taken. `place` stands for what has no
  /// path of its own.
  void add(const Json& told, std::string_view place = {});
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  /// [{"class","rule","count","path"?}], as holdpoint.operation.completed has it: at most 64 rows with a path, and one
  /// for each class and rule beyond them.
  [[nodiscard]] Json to_json() const;
  /// A structured field (RFC 8941): `3; classes="aws-secret-key,card"`. Empty when nothing was masked.
  [[nodiscard]] std::string header() const;

 private:
  struct Row {
    std::string kind;
    std::string rule;
    std::string path;
    std::uint64_t count;
  };
  void count(Row row);

  std::vector<Row> rows_;
};

}  // namespace holdpoint::record
