// DynamoDB names an attribute in one place and its value in another ("SET #p = :v", "… password = ?"). Finds which name
// a value has, so that the masker can judge it by its name. Pure.
#pragma once

#include <string>
#include <vector>

#include "bus/base/json.hpp"

namespace holdpoint::record {

struct NamedPlace {
  Json::json_pointer place;  ///< of the value in the parameters
  std::string name;          ///< the attribute that it is compared with or stored as
};

/// Of every expression and PartiQL statement anywhere in the parameters; values that no expression uses are left out.
std::vector<NamedPlace> named_places(const Json& parameters);

}  // namespace holdpoint::record
