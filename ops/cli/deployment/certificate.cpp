#include "ops/cli/deployment/certificate.hpp"

#include <unistd.h>

#include "ops/cli/supervisor/layout.hpp"
#include "ops/cli/supervisor/process.hpp"

namespace holdpoint::deployment {
namespace fs = std::filesystem;

Result<CertificateFiles> make_self_signed(const fs::path& folder, const std::vector<std::string>& names) {
  std::string alternatives;
  for (const auto& name : names) {
    if (name.empty() || name.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:*") !=
                            std::string::npos) {
      return fail(Code::configuration, "`" + name + "` is neither a host name nor an address");
    }
    const bool address =
        name.find_first_not_of("0123456789.") == std::string::npos || name.find(':') != std::string::npos;
    alternatives += (alternatives.empty() ? "" : ",") + std::string(address ? "IP:" : "DNS:") + name;
  }
  if (alternatives.empty()) return fail(Code::configuration, "a certificate needs at least one of --names");
  std::error_code error;
  fs::create_directories(folder, error);
  const CertificateFiles files{folder / "gateway.crt", folder / "gateway.key"};
  supervisor::Command command{.arguments = {"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                            "ec_paramgen_curve:P-256", "-nodes", "-days", "365", "-subj",
                                            "/CN=" + names.front(), "-addext", "subjectAltName=" + alternatives,
                                            "-keyout", files.key.string(), "-out", files.certificate.string()}};
  if (auto made = supervisor::run_command(command); !made) return made.error();
  // The gateway reads both.
  supervisor::Account service = supervisor::current_account();
  if (::geteuid() == 0) {
    auto account = supervisor::ensure_system_account("holdpoint-gateway");
    if (!account) return account.error();
    service = std::move(*account);
  }
  fs::permissions(folder, fs::perms(0755), error);
  if (auto given = supervisor::give(files.key, service, service.gid, 0600); !given) return given.error();
  if (auto given = supervisor::give(files.certificate, service, service.gid, 0644); !given) return given.error();
  return files;
}

}  // namespace holdpoint::deployment
