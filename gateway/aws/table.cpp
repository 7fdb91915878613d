#include "gateway/aws/table.hpp"

#include <algorithm>

#include "bus/base/result.hpp"
#include "bus/base/text.hpp"

namespace holdpoint::aws {

struct ServiceModel::Parsed {
  std::once_flag once;
  std::vector<OperationModel> operations;
};

namespace {

// The table is our own text: a line that does not parse is a bug of the generator, not an error of a caller.
std::vector<std::string_view> list(std::string_view text, char separator) {
  return text.empty() || text == "-" ? std::vector<std::string_view>() : split(text, separator);
}

Protocol protocol_of(std::string_view text) {
  for (const Protocol protocol : {Protocol::json10, Protocol::json11, Protocol::query, Protocol::ec2,
                                  Protocol::rest_json, Protocol::rest_xml, Protocol::s3, Protocol::rpc_v2_cbor}) {
    if (name(protocol) == text) return protocol;
  }
  HOLDPOINT_INVARIANT(!"the table names an unknown protocol");
  return Protocol::query;
}

Access access_of(std::string_view text) {
  switch (text.front()) {
    case 'L':
      return Access::list;
    case 'R':
      return Access::read;
    case 'T':
      return Access::tagging;
    case 'P':
      return Access::permissions;
    default:
      return Access::write;
  }
}

// "Name:KT!i=wire"
Member parse_member(std::string_view text) {
  Member member;
  const std::size_t colon = text.find(':');
  HOLDPOINT_INVARIANT(colon != std::string_view::npos && text.size() >= colon + 3);
  member.name = text.substr(0, colon);
  member.binding = static_cast<Binding>(text[colon + 1]);
  member.type = text[colon + 2];
  std::string_view rest = text.substr(colon + 3);
  for (; !rest.empty() && rest.front() != '='; rest.remove_prefix(1)) {
    member.required = member.required || rest.front() == '!';
    member.idempotency_token = member.idempotency_token || rest.front() == 'i';
  }
  member.wire =
      rest.empty() ? (member.binding == Binding::prefix_headers ? std::string_view() : member.name) : rest.substr(1);
  return member;
}

void parse_uri(OperationModel& operation) {
  const std::size_t mark = operation.uri.find('?');
  std::string_view path = operation.uri.substr(0, mark);
  if (mark != std::string_view::npos) {
    for (const std::string_view part : split(operation.uri.substr(mark + 1), '&')) {
      const std::size_t equals = part.find('=');
      operation.literal_query.emplace_back(
          part.substr(0, equals), equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1));
    }
  }
  operation.trailing_slash = path.size() > 1 && path.ends_with('/');
  if (operation.trailing_slash) path.remove_suffix(1);
  if (path.size() <= 1) return;
  for (const std::string_view part : split(path.substr(1), '/')) {
    Segment segment{Segment::Kind::literal, part, {}};
    if (part.starts_with('{') && part.ends_with('}') && part.find('}') == part.size() - 1) {
      const bool greedy = part.ends_with("+}");
      segment.kind = greedy ? Segment::Kind::greedy : Segment::Kind::label;
      segment.label = part.substr(1, part.size() - (greedy ? 3 : 2));
    } else if (part.find('{') != std::string_view::npos) {
      segment.kind = Segment::Kind::mixed;
    }
    operation.segments.push_back(segment);
  }
}

OperationModel parse_operation(const ServiceModel& service, std::string_view line) {
  const auto columns = split(line, '\t');
  HOLDPOINT_INVARIANT(columns.size() == 12);
  OperationModel operation;
  operation.service = &service;
  operation.name = columns[1];
  const auto flag = [&](char c) { return columns[2].find(c) != std::string_view::npos; };
  operation.is_unsigned = flag('u');
  operation.has_body_members = flag('b');
  operation.answer_is_data = flag('o');
  operation.answer_is_events = flag('E');
  operation.is_older = flag('d');
  operation.action_known = !flag('?');
  operation.method = columns[3];
  operation.uri = columns[4];
  operation.host_prefix = columns[5] == "-" ? std::string_view() : columns[5];
  operation.access = access_of(columns[6]);
  operation.actions = columns[7];
  for (const std::string_view member : list(columns[8], ' ')) operation.members.push_back(parse_member(member));
  operation.sensitive_input = list(columns[9], ' ');
  operation.sensitive_output = list(columns[10], ' ');
  if (columns[11] != "-") operation.passed_roles = columns[11];
  parse_uri(operation);
  return operation;
}

}  // namespace

const Member* OperationModel::member(std::string_view wanted) const {
  for (const Member& member : members) {
    if (member.name == wanted) return &member;
  }
  return nullptr;
}

const Member* OperationModel::payload() const {
  for (const Member& member : members) {
    if (member.binding == Binding::payload) return &member;
  }
  return nullptr;
}

bool ServiceModel::speaks(Protocol protocol) const {
  return std::find(protocols.begin(), protocols.end(), protocol) != protocols.end();
}

const std::vector<OperationModel>& ServiceModel::operations() const {
  std::call_once(parsed->once, [&] {
    for (const std::string_view line : split(lines, '\n')) {
      if (!line.empty()) parsed->operations.push_back(parse_operation(*this, line));
    }
  });
  return parsed->operations;
}

const OperationModel* ServiceModel::operation(std::string_view wanted) const {
  const auto& all = operations();
  const auto found =
      std::lower_bound(all.begin(), all.end(), wanted,
                       [](const OperationModel& operation, std::string_view name) { return operation.name < name; });
  return found != all.end() && found->name == wanted ? &*found : nullptr;
}

const Table& Table::instance() {
  static const Table table;
  return table;
}

Table::Table() {
  std::string_view text = table_text();
  // Services begin with "S\t" at a line's start; everything up to the next one is theirs.
  for (std::size_t begin = text.find("\nS\t"); begin != std::string_view::npos;) {
    const std::size_t line_end = text.find('\n', begin + 1);
    const std::size_t next = text.find("\nS\t", line_end);
    const auto columns = split(text.substr(begin + 1, line_end - begin - 1), '\t');
    HOLDPOINT_INVARIANT(columns.size() == 9);
    auto service = std::make_unique<ServiceModel>();
    service->id = columns[1];
    for (const std::string_view scope : list(columns[2], ',')) {
      if (scope != "-") service->scopes.push_back(scope);
    }
    for (const std::string_view protocol : list(columns[3], ',')) service->protocols.push_back(protocol_of(protocol));
    service->target = columns[4];
    service->version = columns[5];
    service->iam_prefix = columns[6];
    service->query_compatible = columns[7] == "q";
    service->endpoints = columns[8];
    service->lines = text.substr(line_end + 1, next == std::string_view::npos ? next : next - line_end - 1);
    service->parsed = std::make_shared<ServiceModel::Parsed>();
    by_id_[service->id] = service.get();
    for (const std::string_view scope : service->scopes) by_scope_[scope].push_back(service.get());
    services_.push_back(std::move(service));
    begin = next;
  }
}

const ServiceModel* Table::service(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

const std::vector<const ServiceModel*>& Table::signing_as(std::string_view scope) const {
  static const std::vector<const ServiceModel*> kNone;
  const auto found = by_scope_.find(scope);
  return found == by_scope_.end() ? kNone : found->second;
}

}  // namespace holdpoint::aws
