// TLS contexts, made at start and when certificates change; sessions keep a shared_ptr to the one they began with.
#pragma once

#include <filesystem>
#include <memory>

#include "bus/base/result.hpp"

namespace holdpoint::http {

struct TlsContext;  // asio::ssl::context, in tls.cpp alone

/// Fails with `configuration`, naming the file.
Result<std::shared_ptr<const TlsContext>> server_tls(const std::filesystem::path& certificate,
                                                     const std::filesystem::path& key);
/// Trusts the system's authorities, and those of `extra` (a PEM file) when given.
Result<std::shared_ptr<const TlsContext>> client_tls(const std::filesystem::path& extra = {});

}  // namespace holdpoint::http
