// `holdpoint aws decode`: what the classifier makes of a request, offline, one JSON line in and one out. Signatures are
// not verified; the credential scope is taken from the Authorization header or the presigned query as it stands.
#pragma once

#include <string>
#include <string_view>

namespace holdpoint::aws {

/// In: {"id","method","target","headers":[[name,value],…],"body":base64}. Out: {"id","service","operation","actions",
/// "resources","access","parameters","ambiguous"} or {"id","error"}. Never fails: an unreadable line is an error line.
std::string decode_line(std::string_view line, std::string_view account);

}  // namespace holdpoint::aws
