// dynamodb:LeadingKeys, dynamodb:Attributes and the few others that a request says by itself. Without the table's
// schema nobody knows which attribute is the partition key: every value that may be it counts.
#include <algorithm>
#include <array>

#include "bus/base/encoding.hpp"
#include "gateway/aws/condition_keys.hpp"
#include "gateway/aws/dynamodb_expression.hpp"

namespace holdpoint::aws {
namespace {

constexpr const char* kLeading = "dynamodb:leadingkeys";
constexpr const char* kAttributes = "dynamodb:attributes";

// What names the items that it works on.
constexpr std::array<std::string_view, 9> kByKey{"GetItem",    "BatchGetItem",     "PutItem",
                                                 "UpdateItem", "DeleteItem",       "BatchWriteItem",
                                                 "Query",      "TransactGetItems", "TransactWriteItems"};
constexpr std::array<std::string_view, 3> kByStatement{"ExecuteStatement", "BatchExecuteStatement",
                                                       "ExecuteTransaction"};

class DynamoDbReader {
 public:
  explicit DynamoDbReader(ContextKeys& keys) : keys_(keys) {}

  void read(const OperationModel& operation, const Json& parameters) {
    request(parameters);
    if (const auto items = parameters.find("RequestItems"); items != parameters.end()) batch(*items);
    if (const auto items = parameters.find("TransactItems"); items != parameters.end()) transaction(*items);
    for (const char* const name : {"Select", "ReturnValues", "ReturnConsumedCapacity"}) {
      if (const auto value = parameters.find(name); value != parameters.end()) {
        if (!value->is_string()) continue;
        add("dynamodb:" + to_lower(name), value->get<std::string>());
      }
    }
    const bool by_statement = std::ranges::find(kByStatement, operation.name) != kByStatement.end();
    const bool by_key = std::ranges::find(kByKey, operation.name) != kByKey.end();
    if (by_statement || leading_unknown_ || (by_key && !keys_.contains(kLeading))) keys_[kLeading].clear();
    if (by_statement || attributes_unknown_) keys_[kAttributes].clear();
  }

 private:
  void add(const std::string& key, std::string value) {
    auto& values = keys_[key];
    if (std::ranges::find(values, value) == values.end()) values.push_back(std::move(value));
  }

  // {"S": "a"} -> a. Other types are never keys.
  void leading(const Json& attribute, bool is_key) {
    bool found = false;
    if (attribute.is_object()) {
      for (const auto& [type, value] : attribute.items()) {
        if ((type != "S" && type != "N" && type != "B") || !value.is_string()) continue;
        add(kLeading, value.get<std::string>());
        found = true;
      }
    }
    leading_unknown_ |= is_key && !found;
  }

  // {"attribute": {"S": "a"}, …}
  void item(const Json& attributes, bool is_key) {
    if (!attributes.is_object()) {
      leading_unknown_ = attributes_unknown_ = true;
      return;
    }
    for (const auto& [name, value] : attributes.items()) {
      add(kAttributes, name);
      leading(value, is_key);
    }
  }

  void named_attributes(const Json& attributes) {
    if (attributes.is_object()) {
      for (const auto& [name, ignored] : attributes.items()) add(kAttributes, name);
    } else if (attributes.is_array()) {
      for (const Json& name : attributes) {
        if (name.is_string()) add(kAttributes, name.get<std::string>());
        attributes_unknown_ |= !name.is_string();
      }
    } else {
      attributes_unknown_ = true;
    }
  }

  // {"attribute": {"AttributeValueList": [{"S": "a"}], "ComparisonOperator": "EQ"}}
  void key_conditions(const Json& conditions) {
    named_attributes(conditions);
    leading_unknown_ |= !conditions.is_object() || conditions.empty();
    if (!conditions.is_object()) return;
    for (const auto& [name, condition] : conditions.items()) {
      const auto values = condition.is_object() ? condition.find("AttributeValueList") : condition.end();
      if (!condition.is_object() || values == condition.end() || !values->is_array()) {
        leading_unknown_ = true;
        continue;
      }
      for (const Json& value : *values) leading(value, true);
    }
  }

  void expressions(const Json& object) {
    static const Json none = Json::object();
    const auto member = [&](const char* name) -> const Json& {
      const auto found = object.find(name);
      return found == object.end() ? none : *found;
    };
    for (const char* const name : {"ProjectionExpression", "UpdateExpression", "ConditionExpression",
                                   "FilterExpression", "KeyConditionExpression"}) {
      if (!object.contains(name)) continue;
      const auto found = expression_attributes(string_or(object, name), member("ExpressionAttributeNames"));
      attributes_unknown_ |= !found || !object.at(name).is_string();
      if (!found) continue;
      for (const std::string& attribute : *found) add(kAttributes, attribute);
    }
    if (!object.contains("KeyConditionExpression")) return;
    const auto found =
        expression_equalities(string_or(object, "KeyConditionExpression"), member("ExpressionAttributeValues"));
    leading_unknown_ |= !found;
    if (!found) return;
    for (const Json& value : *found) leading(value, true);
  }

  // One request, or what stands for one in a batch.
  void request(const Json& object) {
    if (!object.is_object()) return;
    if (const auto key = object.find("Key"); key != object.end()) item(*key, true);
    if (const auto whole = object.find("Item"); whole != object.end()) item(*whole, false);
    if (const auto keys = object.find("Keys"); keys != object.end()) {
      leading_unknown_ |= !keys->is_array();
      if (keys->is_array()) {
        for (const Json& key : *keys) item(key, true);
      }
    }
    expressions(object);
    if (const auto conditions = object.find("KeyConditions"); conditions != object.end()) key_conditions(*conditions);
    for (const char* const name : {"AttributesToGet", "AttributeUpdates", "Expected", "QueryFilter", "ScanFilter"}) {
      if (const auto found = object.find(name); found != object.end()) named_attributes(*found);
    }
  }

  // {"table": {"Keys": […]}} or {"table": [{"PutRequest": {"Item": {…}}}, …]}
  void batch(const Json& tables) {
    if (!tables.is_object()) return;
    for (const auto& [table, requests] : tables.items()) {
      if (requests.is_object()) request(requests);
      if (!requests.is_array()) continue;
      for (const Json& each : requests) members(each);
    }
  }

  void transaction(const Json& items) {
    if (!items.is_array()) return;
    for (const Json& each : items) members(each);
  }

  // {"Put": {…}}
  void members(const Json& wrapped) {
    if (!wrapped.is_object()) return;
    for (const auto& [kind, body] : wrapped.items()) request(body);
  }

  ContextKeys& keys_;
  bool leading_unknown_ = false;
  bool attributes_unknown_ = false;
};

}  // namespace

void add_dynamodb_keys(const OperationModel& operation, const Json& parameters, ContextKeys& keys) {
  DynamoDbReader(keys).read(operation, parameters);
}

}  // namespace holdpoint::aws
