// What the masker is asked about an operation before it is recorded or shown to people, as one JSON document, and what
// its answer puts into the facts. Pure.
//
//   {"parameters": {…}, "named": [{"password": {"S": …}}, …], "texts": [resources, path, client]}
#pragma once

#include "gateway/record/operation_record.hpp"

namespace holdpoint::record {

/// Some text of these facts (a resource, the path, the client's name) is more than plain words.
bool has_unplain_text(const OperationFacts& facts);

Json inspection_document(const OperationFacts& facts, const aws::Operation& operation);

/// `masked` is the document as the masker left it. When it is not one, nothing is taken over: the facts stay as
/// describe() made them, shapes and plain words.
void take_inspected(OperationFacts& facts, const aws::Operation& operation, const Json& masked);

}  // namespace holdpoint::record
