#include "gateway/aws/rest_route.hpp"

#include <algorithm>

#include "gateway/aws/object_key.hpp"
#include "gateway/aws/s3_host.hpp"

namespace holdpoint::aws {
namespace {

constexpr std::size_t kSegmentsMax = 1024;  // S3 keys have at most 1,024 bytes

struct Path {
  std::vector<std::string_view> raw;
  std::vector<std::string> decoded;
  bool trailing_slash = false;
};

bool is_dots(std::string_view segment) { return segment == "." || segment == ".."; }

// A value whose own segments climb, or that would decode once more, is refused: another reader could see another path.
bool is_tricky(std::string_view value) {
  for (std::size_t begin = 0; begin <= value.size();) {
    const std::size_t end = std::min(value.find('/', begin), value.size());
    if (is_dots(value.substr(begin, end - begin))) return true;
    begin = end + 1;
  }
  for (std::size_t i = 0; i + 2 < value.size(); ++i) {
    if (value[i] == '%' && from_hex(value.substr(i + 1, 2))) return true;
  }
  return false;
}

Result<Path> parse_path(std::string_view raw) {
  Path path;
  if (!raw.starts_with('/')) return fail(Code::malformed, "the path does not begin with /");
  raw.remove_prefix(1);
  if (raw.empty()) return path;
  if (raw.ends_with('/')) {
    path.trailing_slash = true;
    raw.remove_suffix(1);
  }
  for (std::size_t begin = 0; begin <= raw.size();) {
    const std::size_t end = std::min(raw.find('/', begin), raw.size());
    const std::string_view segment = raw.substr(begin, end - begin);
    begin = end + 1;
    auto decoded = uri_decode(segment);
    if (!decoded || !is_utf8(*decoded) || decoded->find('\0') != std::string::npos) {
      return fail(Code::malformed, "the path is not %-encoded UTF-8");
    }
    if (segment.empty()) return fail(Code::malformed, "the path has an empty segment (//)");
    if (is_tricky(*decoded)) return fail(Code::malformed, "the path has a . or .. segment or is encoded twice");
    if (path.raw.size() == kSegmentsMax) return fail(Code::too_large, "the path has too many segments");
    path.raw.push_back(segment);
    path.decoded.push_back(std::move(*decoded));
  }
  return path;
}

// "{a}:{b}" or "prefix-{a}" against one decoded segment; fills labels.
bool match_mixed(std::string_view pattern, std::string_view value, Fields& labels) {
  while (!pattern.empty()) {
    const std::size_t open = pattern.find('{');
    const std::string_view literal = pattern.substr(0, open);
    if (!value.starts_with(literal)) return false;
    value.remove_prefix(literal.size());
    if (open == std::string_view::npos) return value.empty();
    const std::size_t close = pattern.find('}', open);
    const std::string_view label = pattern.substr(open + 1, close - open - 1);
    pattern.remove_prefix(close + 1);
    const std::string_view next = pattern.substr(0, pattern.find('{'));
    const std::size_t end = next.empty() ? value.size() : value.find(next);
    if (end == std::string_view::npos || end == 0) return false;
    labels.emplace_back(label, value.substr(0, end));
    value.remove_prefix(end);
  }
  return value.empty();
}

// The rank of the match, larger is more specific; empty when the path does not fit.
std::string match_path(const OperationModel& operation, const Path& path, Fields& labels) {
  std::string rank;
  std::size_t at = 0;
  for (std::size_t i = 0; i < operation.segments.size(); ++i) {
    const Segment& segment = operation.segments[i];
    if (segment.kind == Segment::Kind::greedy) {
      const std::size_t after = operation.segments.size() - i - 1;
      if (path.raw.size() < at + after + 1) return {};
      std::string value;
      for (const std::size_t end = path.raw.size() - after; at < end; ++at)
        value.append(value.empty() ? "" : "/").append(path.decoded[at]);
      labels.emplace_back(segment.label, std::move(value));
      rank += 'a';
      continue;
    }
    if (at == path.raw.size()) return {};
    const std::string& value = path.decoded[at++];
    switch (segment.kind) {
      case Segment::Kind::literal:
        if (value != segment.text) return {};
        rank += 'd';
        break;
      case Segment::Kind::mixed:
        if (!match_mixed(segment.text, value, labels)) return {};
        rank += 'c';
        break;
      default:
        labels.emplace_back(segment.label, value);
        rank += 'b';
    }
  }
  if (at != path.raw.size()) return {};
  return rank + "0";
}

bool has_key(const Fields& query, std::string_view key) { return field(query, key) != nullptr; }

// Literal keys must be there with their value; x-id only names the operation for logs, so it may be absent.
bool match_query(const OperationModel& operation, const HttpHead& head, const Fields& query, std::string& rank) {
  char literals = '0';
  for (const auto& [key, value] : operation.literal_query) {
    const std::string* sent = field(query, key);
    if (key == "x-id") {
      if (sent != nullptr && *sent != value) return false;
      continue;
    }
    if (sent == nullptr || *sent != value) return false;
    ++literals;
  }
  char required = '0';
  for (const Member& member : operation.members) {
    if (!member.required) continue;
    if (member.binding == Binding::query) {
      if (!has_key(query, member.wire)) return false;
      ++required;
    } else if (member.binding == Binding::header) {
      if (count_headers(head.headers, to_lower(member.wire)) == 0) return false;
      ++required;
    }
  }
  rank += literals;
  rank += required;
  return true;
}

// A query key that the operation does not model may mean another operation to AWS than to us.
Result<void> check_query_modelled(const OperationModel& operation, const Fields& query) {
  const bool open = std::any_of(operation.members.begin(), operation.members.end(),
                                [](const Member& member) { return member.binding == Binding::query_map; });
  for (const auto& [key, value] : query) {
    if (open || key == "x-id") continue;
    const auto& literals = operation.literal_query;
    const bool literal =
        std::any_of(literals.begin(), literals.end(), [&k = key](const auto& entry) { return entry.first == k; });
    const auto member = std::find_if(
        operation.members.begin(), operation.members.end(),
        [&k = key](const Member& candidate) { return candidate.binding == Binding::query && candidate.wire == k; });
    if (!literal && member == operation.members.end()) {
      return fail(Code::denied, std::string(operation.name) + " has no query parameter \"" + display(key, 80) + "\"");
    }
    const auto same = [&k = key](const auto& entry) { return entry.first == k; };
    const bool repeated = std::count_if(query.begin(), query.end(), same) > 1;
    if (repeated && (literal || (member->type != 'l' && member->type != 'm'))) {
      return fail(Code::malformed, "duplicate query parameter " + display(key, 80));
    }
  }
  return {};
}

// A Lambda function's answer to Object Lambda: its host begins with the request's route. Under S3's own scope the same
// path is a bucket.
bool is_lambda_answer(const HttpHead& head, const CallScope& scope) {
  return scope.service == "s3-object-lambda" && head.method == "POST" && head.path() == "/WriteGetObjectResponse";
}

struct S3Target {
  std::string bucket;
  std::string key;
};

Result<S3Target> s3_target(const HttpHead& head, const CallScope& scope) {
  std::string_view raw = head.path();
  if (!raw.starts_with('/')) return fail(Code::malformed, "the path does not begin with /");
  S3Target target;
  if (is_lambda_answer(head, scope)) return target;
  raw.remove_prefix(1);
  auto owner = s3_host_owner(single_header(head.headers, "host").value_or(""), scope);
  if (!owner) return owner.error();
  target.bucket = std::move(*owner);
  if (target.bucket.empty()) {
    const std::size_t slash = raw.find('/');
    const auto bucket = uri_decode(raw.substr(0, slash));
    if (!bucket) return fail(Code::malformed, "the bucket's name is not %-encoded");
    target.bucket = *bucket;
    raw = slash == std::string_view::npos ? std::string_view() : raw.substr(slash + 1);
    if (target.bucket.empty() && !raw.empty()) return fail(Code::malformed, "the path has an empty bucket");
  }
  // An access point's ARN stands in the bucket's place, with its slashes encoded.
  const bool arn = target.bucket.starts_with("arn:") && !is_tricky(target.bucket);
  if (!target.bucket.empty() && !arn && !is_bucket_name(target.bucket)) {
    return fail(Code::malformed, "\"" + display(target.bucket, 80) + "\" is no bucket name");
  }
  auto key = uri_decode(raw);
  if (!key) return fail(Code::malformed, "the object key is not %-encoded UTF-8");
  if (auto checked = check_object_key(*key); !checked) return checked.error();
  target.key = std::move(*key);
  return target;
}

// S3's routes leave the bucket out: "/" is the bucket (or the service, without one), "/{Key+}" an object.
bool match_s3(const OperationModel& operation, const HttpHead& head, const CallScope& scope, const S3Target& target,
              Fields& labels, std::string& rank) {
  if (!operation.segments.empty() && operation.segments.front().kind == Segment::Kind::literal) {
    rank = "d";
    return is_lambda_answer(head, scope) && head.path() == operation.uri;
  }
  // GET / lists directory buckets where it is signed for them, and ordinary ones elsewhere.
  if (operation.name == "ListDirectoryBuckets" && scope.service != "s3express") return false;
  if (operation.name == "ListBuckets" && scope.service == "s3express") return false;
  const bool wants_bucket =
      operation.member("Bucket") != nullptr && operation.member("Bucket")->binding == Binding::label;
  if (wants_bucket == target.bucket.empty()) return false;
  const bool wants_key = !operation.segments.empty();
  if (wants_key == target.key.empty()) return false;
  if (wants_bucket) labels.emplace_back("Bucket", target.bucket);
  if (wants_key) labels.emplace_back(operation.segments.front().label, target.key);
  rank = "a";
  return true;
}

struct Best {
  std::string rank;
  Route route;
};

void consider(Best& best, const OperationModel& operation, Protocol protocol, std::string rank, Fields labels,
              const CallScope& scope) {
  if (best.route.operation != nullptr && rank < best.rank) return;
  if (best.route.operation == nullptr || rank > best.rank) {
    best.rank = std::move(rank);
    best.route = Route();
  }
  add_candidate(best.route, operation, protocol, scope);
  // Labels go by the names of the operation that came first.
  if (best.route.operation == &operation) best.route.labels = std::move(labels);
}

Protocol rest_protocol(const ServiceModel& service) {
  for (const Protocol protocol : {Protocol::rest_json, Protocol::rest_xml, Protocol::s3}) {
    if (service.speaks(protocol)) return protocol;
  }
  return Protocol::json10;
}

}  // namespace

Result<Route> rest_route(const HttpHead& head, const CallScope& scope,
                         const std::vector<const ServiceModel*>& services) {
  auto all = parse_fields(head.query(), false);
  if (!all) return all.error();
  Fields query;
  for (auto& entry : *all) {
    // Headers hoisted into the query (X-Amz-Acl=…) stay, and are refused because no operation models them there.
    if (!is_presigning(entry.first)) query.push_back(std::move(entry));
  }
  Best best;
  Path path;
  S3Target target;
  bool parsed_path = false;
  bool parsed_target = false;
  for (const ServiceModel* service : services) {
    const Protocol protocol = rest_protocol(*service);
    if (protocol == Protocol::json10) continue;
    if (protocol == Protocol::s3 && !head.path().starts_with("/v20180820/")) {
      if (!parsed_target) {
        auto s3 = s3_target(head, scope);
        if (!s3) return s3.error();
        target = std::move(*s3);
        parsed_target = true;
      }
    } else if (!parsed_path) {
      // The key of an S3 object may hold what other paths may not.
      auto parsed = parse_path(head.path());
      const bool only = services.size() == 1 || !parsed_target;
      if (!parsed && only) return parsed.error();
      if (!parsed) continue;
      path = std::move(*parsed);
      parsed_path = true;
    }
    for (const OperationModel& operation : service->operations()) {
      if (operation.method != head.method) continue;
      Fields labels;
      std::string rank;
      if (protocol == Protocol::s3) {
        if (!parsed_target || !match_s3(operation, head, scope, target, labels, rank)) continue;
      } else {
        if (!parsed_path) continue;
        rank = match_path(operation, path, labels);
        if (rank.empty()) continue;
      }
      if (!match_query(operation, head, query, rank)) continue;
      if (protocol != Protocol::s3) rank += operation.trailing_slash == path.trailing_slash ? '1' : '0';
      // Of two services with the same route, the one that knows the query's keys.
      rank += check_query_modelled(operation, query) ? '1' : '0';
      consider(best, operation, protocol, std::move(rank), std::move(labels), scope);
    }
  }
  if (best.route.operation == nullptr) {
    return fail(Code::not_found, "no operation of service " + display(scope.service, 80) + " fits " +
                                     display(head.method, 20) + " " + display(head.path(), 200));
  }
  if (auto checked = check_query_modelled(*best.route.operation, query); !checked) return checked.error();
  best.route.query = std::move(query);
  best.route.path = uri_decode(head.path()).value_or("/");
  return std::move(best.route);
}

}  // namespace holdpoint::aws
