#include "gateway/aws/resources.hpp"

namespace holdpoint::aws {
namespace {

std::string table_arn(const std::string& name, const CallScope& scope) {
  if (name.starts_with("arn:")) return name;
  return "arn:" + std::string(partition(scope.region)) + ":dynamodb:" + scope.region + ":" + scope.account + ":table/" +
         name;
}

// RequestItems: table -> …
void from_keys(const Json& parameters, const char* action, const CallScope& scope, std::vector<Requirement>& out) {
  const auto items = parameters.find("RequestItems");
  if (items == parameters.end() || !items->is_object()) return;
  for (const auto& [table, ignored] : items->items()) out.push_back({action, table_arn(table, scope), {}});
}

// TransactItems: [{"Put": {"TableName": …}}, …]
void from_transaction(const Json& parameters, const CallScope& scope, std::vector<Requirement>& out) {
  static const std::map<std::string, std::string> kActions{{"Get", "dynamodb:GetItem"},
                                                           {"Put", "dynamodb:PutItem"},
                                                           {"Update", "dynamodb:UpdateItem"},
                                                           {"Delete", "dynamodb:DeleteItem"},
                                                           {"ConditionCheck", "dynamodb:ConditionCheckItem"}};
  const auto items = parameters.find("TransactItems");
  if (items == parameters.end() || !items->is_array()) return;
  for (const Json& item : *items) {
    if (!item.is_object()) continue;
    for (const auto& [kind, body] : item.items()) {
      const auto action = kActions.find(kind);
      const std::string table = body.is_object() ? string_or(body, "TableName") : "";
      // What we cannot read needs every action on every table.
      if (action == kActions.end() || table.empty()) {
        for (const auto& known : kActions) out.push_back({known.second, table_arn("*", scope), {}});
      } else {
        out.push_back({action->second, table_arn(table, scope), {}});
      }
    }
  }
}

// Just enough PartiQL to know verb and table; anything else needs all four actions on all tables.
class Statement {
 public:
  explicit Statement(std::string_view text) : text_(text) {}

  bool parse(std::string& action, std::string& resource) {
    const std::string verb = word();
    if (verb == "select") {
      action = "dynamodb:PartiQLSelect";
      // The table follows the first FROM outside quotes; a second one (a nested query) is not understood.
      while (at_ < text_.size()) {
        if (word() == "from") break;
      }
      if (!table(resource)) return false;
      while (at_ < text_.size()) {
        const std::string next = word();
        if (next == "from" || next == "select" || next == "join" || next == ",") return false;
      }
      return true;
    }
    if (verb == "insert") {
      action = "dynamodb:PartiQLInsert";
      return word() == "into" && table(resource);
    }
    if (verb == "update") {
      action = "dynamodb:PartiQLUpdate";
      return table(resource);
    }
    action = "dynamodb:PartiQLDelete";
    return verb == "delete" && word() == "from" && table(resource);
  }

 private:
  static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  }

  void blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }

  // A word in lower case, "'" or "\"" for a quoted one (skipped), or one other character.
  std::string word() {
    blanks();
    if (at_ == text_.size()) return "";
    const char c = text_[at_];
    if (c == '\'' || c == '"') {
      for (++at_; at_ < text_.size() && text_[at_] != c; ++at_) {
      }
      if (at_ < text_.size()) ++at_;
      return std::string(1, c);
    }
    if (!is_word(c)) {
      // A comment could hide a word from us.
      if (c == '-' || c == '/') at_ = text_.size();
      ++at_;
      return std::string(1, c);
    }
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    return to_lower(text_.substr(begin, at_ - begin));
  }

  bool name(std::string& out) {
    if (at_ == text_.size()) return false;
    if (text_[at_] == '"') {
      const std::size_t end = text_.find('"', at_ + 1);
      if (end == std::string_view::npos) return false;
      out = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
    } else {
      const std::size_t begin = at_;
      while (at_ < text_.size() && is_word(text_[at_])) ++at_;
      out = text_.substr(begin, at_ - begin);
    }
    return !out.empty();
  }

  // "table" or "table"."index"
  bool table(std::string& out) {
    blanks();
    if (!name(out)) return false;
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      std::string index;
      if (!name(index)) return false;
      out += "/index/" + index;
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

void from_statement(std::string_view text, const CallScope& scope, std::vector<Requirement>& out) {
  std::string action;
  std::string resource;
  // A comment, or a literal between backticks, could hide a quote or a word from us.
  const bool hidden = text.find("--") != std::string_view::npos || text.find("/*") != std::string_view::npos ||
                      text.find('`') != std::string_view::npos;
  if (!hidden && Statement(text).parse(action, resource)) {
    out.push_back({action, table_arn(resource, scope), {}});
    return;
  }
  for (const char* const each :
       {"dynamodb:PartiQLDelete", "dynamodb:PartiQLInsert", "dynamodb:PartiQLSelect", "dynamodb:PartiQLUpdate"}) {
    out.push_back({each, table_arn("*", scope), {}});
  }
}

}  // namespace

std::vector<Requirement> dynamodb_requirements(const OperationModel& operation, const Json& parameters,
                                               const CallScope& scope) {
  std::vector<Requirement> out;
  const std::string_view name = operation.name;
  if (name == "BatchGetItem") from_keys(parameters, "dynamodb:BatchGetItem", scope, out);
  if (name == "BatchWriteItem") from_keys(parameters, "dynamodb:BatchWriteItem", scope, out);
  if (name == "TransactGetItems" || name == "TransactWriteItems") from_transaction(parameters, scope, out);
  if (name == "ExecuteStatement") from_statement(string_or(parameters, "Statement"), scope, out);
  for (const char* const list : {"Statements", "TransactStatements"}) {
    if (!name.ends_with(list == std::string_view("Statements") ? "BatchExecuteStatement" : "ExecuteTransaction"))
      continue;
    const auto statements = parameters.find(list);
    if (statements == parameters.end() || !statements->is_array()) continue;
    for (const Json& statement : *statements)
      from_statement(statement.is_object() ? string_or(statement, "Statement") : "", scope, out);
  }
  // A query of an index needs the index alone, as IAM has it.
  if ((name == "Query" || name == "Scan") && !string_or(parameters, "IndexName").empty() &&
      !string_or(parameters, "TableName").empty()) {
    out.push_back(
        {"dynamodb:" + std::string(name),
         table_arn(string_or(parameters, "TableName"), scope) + "/index/" + string_or(parameters, "IndexName"),
         {}});
  }
  return out;
}

}  // namespace holdpoint::aws
