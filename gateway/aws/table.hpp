// Every operation of every AWS service, as ops/generate/aws-table wrote it to table/operations.txt (its head describes
// the columns). The text is linked in; a service's lines are parsed when the service is first asked for, and live as
// long as the process, so everything here is a view. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "gateway/aws/operation.hpp"

namespace holdpoint::aws {

/// Where a member of the input travels.
enum class Binding : char {
  label = 'l',
  query = 'q',
  header = 'h',
  prefix_headers = 'H',
  query_map = 'Q',
  payload = 'p',
  body = 'b',
};

struct Member {
  std::string_view name;
  std::string_view wire;  ///< its name on the wire (query key, header, …); `name` where they agree
  Binding binding = Binding::body;
  char type = 's';  ///< s string, n number, b boolean, t timestamp, l list, m map, o structure, x blob, X stream, d
                    ///< document, e events
  bool required = false;
  bool idempotency_token = false;
};

/// One segment of a route.
struct Segment {
  enum class Kind { literal, mixed, label, greedy };
  Kind kind = Kind::literal;
  std::string_view text;   ///< literal, or the whole of a mixed one ("{a}:{b}")
  std::string_view label;  ///< member name of a label or greedy one
};

struct ServiceModel;

struct OperationModel {
  const ServiceModel* service = nullptr;
  std::string_view name;
  std::string_view method;
  std::string_view uri;
  std::vector<Segment> segments;
  bool trailing_slash = false;
  std::vector<std::pair<std::string_view, std::string_view>> literal_query;  ///< value empty: the key alone
  std::string_view host_prefix;                                              ///< empty or with labels: "{AccountId}."
  Access access = Access::write;
  std::string_view actions;                       ///< as in the text; resources.hpp reads it
  std::vector<Member> members;                    ///< body members only where something asks about them
  std::vector<std::string_view> sensitive_input;  ///< "A.B[].C"
  std::vector<std::string_view> sensitive_output;
  std::string_view passed_roles;  ///< as in the text; implied.hpp reads it
  bool is_unsigned = false;
  bool has_body_members = false;
  bool answer_is_data = false;  ///< the answer's body is a blob or stream
  bool answer_is_events = false;
  bool is_older = false;     ///< an older name or route of another operation, which comes first
  bool action_known = true;  ///< AWS's service reference names the action

  [[nodiscard]] const Member* member(std::string_view wanted) const;
  [[nodiscard]] const Member* payload() const;
};

struct ServiceModel {
  std::string_view id;  ///< "cloudwatch-logs"
  std::vector<std::string_view> scopes;
  std::vector<Protocol> protocols;
  std::string_view target;  ///< prefix of X-Amz-Target, and the service's name in rpc-v2-cbor paths
  std::string_view version;
  std::string_view iam_prefix;
  bool query_compatible = false;
  std::string_view endpoints;  ///< endpoint.hpp reads it

  [[nodiscard]] bool speaks(Protocol protocol) const;
  /// Sorted by name.
  [[nodiscard]] const std::vector<OperationModel>& operations() const;
  [[nodiscard]] const OperationModel* operation(std::string_view name) const;

  std::string_view lines;  ///< the service's operations, unparsed
  struct Parsed;
  std::shared_ptr<Parsed> parsed;
};

class Table {
 public:
  static const Table& instance();
  [[nodiscard]] const ServiceModel* service(std::string_view id) const;
  /// The services that sign with that name; empty for an unknown one.
  [[nodiscard]] const std::vector<const ServiceModel*>& signing_as(std::string_view scope) const;
  [[nodiscard]] const std::vector<std::unique_ptr<ServiceModel>>& services() const { return services_; }

 private:
  Table();
  std::vector<std::unique_ptr<ServiceModel>> services_;
  std::map<std::string_view, const ServiceModel*> by_id_;
  std::map<std::string_view, std::vector<const ServiceModel*>> by_scope_;
};

/// The table's text, as linked in.
std::string_view table_text();

}  // namespace holdpoint::aws
