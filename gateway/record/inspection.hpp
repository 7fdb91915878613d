// What the masker is asked about an operation before it is recorded or shown to people, as one JSON document, and what
// its answer puts into the facts. Pure.
//
//   {"parameters": {…}, "named": [{"password": {"S": …}}, …], "texts": [resources, path, client]}
#pragma once

#include "gateway/record/operation_record.hpp"
#include "gateway/record/placeholders.hpp"

namespace holdpoint::record {

/// Some text of these facts (a resource, the path, the client's name) is more than plain words.
bool has_unplain_text(const OperationFacts& facts);

/// One question about the facts of one operation. Holds copies: the answer may come when the call has changed.
class Inspection {
 public:
  Inspection(const OperationFacts& facts, const aws::Operation& operation);

  /// The text of the document.
  [[nodiscard]] std::string document() const;
  /// `masked` is the document as the masker left it. When it is not one, nothing is taken over: the facts stay as
  /// describe() made them, shapes and plain words. Once.
  void take(OperationFacts& facts, const Json& masked);
  /// The same where the masker said that it left the document as it was. Once.
  void take_unchanged(OperationFacts& facts);

 private:
  void show(OperationFacts& facts, std::size_t text, const std::string& seen) const;
  static void take_parameters(OperationFacts& facts, Json parameters);

  Json parameters_;
  std::string parameters_text_;
  std::vector<NamedPlace> places_;
  std::vector<std::string> texts_;
};

}  // namespace holdpoint::record
