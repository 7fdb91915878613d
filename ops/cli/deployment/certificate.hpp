// A self-signed certificate for a gateway that listens beyond loopback, for trying things out.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bus/base/result.hpp"

namespace holdpoint::deployment {

struct CertificateFiles {
  std::filesystem::path certificate;
  std::filesystem::path key;  ///< mode 0600
};

/// ECDSA P-256, valid for a year, for these host names and addresses. Overwrites what is there.
Result<CertificateFiles> make_self_signed(const std::filesystem::path& folder, const std::vector<std::string>& names);

}  // namespace holdpoint::deployment
