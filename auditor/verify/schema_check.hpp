// Whether the database shows the log as the schema of this version would: views, functions, triggers, unique indexes.
//
// PostgreSQL itself says how a view reads that it made from our text, in a transaction that is rolled back: so nothing
// depends on how its version prints one. Needs the right to make temporary views, which everybody has by default.
#pragma once

#include <string>
#include <vector>

#include "bus/base/result.hpp"

namespace holdpoint::auditor::verify {

struct SchemaReport {
  std::vector<std::string> differences;
  std::vector<std::string> notes;  ///< what could not be compared, and why
};

/// An Error when the database cannot be read.
Result<SchemaReport> check_schema(const std::string& dsn);

}  // namespace holdpoint::auditor::verify
