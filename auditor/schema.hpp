// The schema's files, built into the program (CMakeLists.txt makes schema.cpp from schema/*.sql).
#pragma once

#include <string_view>
#include <vector>

namespace holdpoint::auditor {

/// Rises with every change of schema/*.sql: a database of another version is not judged by these files.
constexpr int kSchemaVersion = 2;

struct SchemaFile {
  std::string_view name;
  std::string_view sql;
};

/// In the order in which they are applied.
const std::vector<SchemaFile>& schema_files();

}  // namespace holdpoint::auditor
