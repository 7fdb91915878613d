// A batch of the log as PostgreSQL's COPY reads it: fields in order, one line a row (text format, its escapes). Pure.
#pragma once

#include <string>

#include "auditor/log_store.hpp"

namespace holdpoint::auditor {

/// The fields of put_row(), in order.
const std::vector<std::string>& copy_columns();

/// Appends the row, without the end of its line.
void put_row(const Row& row, std::string_view received_at, std::string& out);

}  // namespace holdpoint::auditor
