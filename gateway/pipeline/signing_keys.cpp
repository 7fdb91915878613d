#include "gateway/aws/sigv4.hpp"
#include "gateway/pipeline/services.hpp"

namespace holdpoint::pipeline {

BytesView SigningKeys::get(const std::string& access_key_id, BytesView secret, const std::string& date,
                           const std::string& region, const std::string& service) {
  // The parts cannot run into each other: keys and dates have fixed alphabets without "/".
  std::string name = access_key_id + "/" + date + "/" + region + "/" + service;
  const auto found = keys_.find(name);
  if (found != keys_.end()) return found->second.reveal();
  if (keys_.size() >= kKeysMax) keys_.clear();
  return keys_.emplace(std::move(name), aws::derive_signing_key(secret, date, region, service)).first->second.reveal();
}

}  // namespace holdpoint::pipeline
