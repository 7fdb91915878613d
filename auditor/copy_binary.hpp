// A batch of the log as PostgreSQL's COPY reads it in its binary format (chapter "COPY", "Binary Format"): no text is
// made here and none read there, which was half of what an entry cost the database. Pure.
#pragma once

#include <string>

#include "auditor/log_store.hpp"

namespace holdpoint::auditor {

/// COPY's statement, with the columns in the order of put_row().
const std::string& copy_statement();

/// What stands before the first row and behind the last.
void put_copy_header(std::string& out);
void put_copy_trailer(std::string& out);

void put_row(const Row& row, Instant received_at, std::string& out);

}  // namespace holdpoint::auditor
