#include "gateway/aws/sigv4.hpp"
#include "gateway/pipeline/services.hpp"

namespace holdpoint::pipeline {

BytesView SigningKeys::get(const std::string& access_key_id, BytesView secret, const std::string& date,
                           const std::string& region, const std::string& service) {
  // The parts cannot run into each other: keys and dates have fixed alphabets without "/".
  std::string name;
  name.reserve(access_key_id.size() + date.size() + region.size() + service.size() + 3);
  name.append(access_key_id).append("/").append(date).append("/").append(region).append("/").append(service);
  const auto found = keys_.find(name);
  if (found != keys_.end() && constant_time_equal(found->second.secret.reveal(), secret))
    return found->second.key.reveal();
  if (keys_.size() >= kKeysMax) keys_.clear();
  Kept kept{Secret(Bytes(secret)), aws::derive_signing_key(secret, date, region, service)};
  return keys_.insert_or_assign(std::move(name), std::move(kept)).first->second.key.reveal();
}

}  // namespace holdpoint::pipeline
