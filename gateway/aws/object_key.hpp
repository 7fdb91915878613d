// How S3's objects are named in requests: the key in a path or a body, and "bucket/key" in a header. Two readers that
// could take a name for different objects (one of them tidies paths, one reads "+" as a space) get none.
#pragma once

#include <string>
#include <string_view>

#include "bus/base/result.hpp"

namespace holdpoint::aws {

bool is_bucket_name(std::string_view name);

/// A decoded key. Fails with `malformed`: not UTF-8, a NUL, more than 1,024 bytes, a . or .. segment, an empty segment
/// (one slash at the end is a folder's mark and stays).
Result<void> check_object_key(std::string_view key);

struct CopySource {
  std::string bucket;  ///< a name, or an access point's ARN
  std::string key;
  std::string version;  ///< empty = the latest
};

/// x-amz-copy-source: "bucket/key", "/bucket/key" or "ARN/object/key", %-encoded, with "?versionId=V" or without. Fails
/// with `malformed` on everything else, on a raw "+" (S3 reads a space) and on a "#" or a second "?" too.
Result<CopySource> read_copy_source(std::string_view text);

}  // namespace holdpoint::aws
