#include "gateway/aws/embedded_file.hpp"
#include "gateway/aws/table.hpp"

HOLDPOINT_EMBED_FILE(holdpoint_aws_table, HOLDPOINT_AWS_TABLE)

namespace holdpoint::aws {

std::string_view table_text() { return holdpoint_aws_table(); }

}  // namespace holdpoint::aws
