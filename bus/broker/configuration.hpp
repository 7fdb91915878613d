// Owns the deployment's configuration document (Clone pattern): the one current signed text, rising versions only.
//
//   none --signed, any version--> current --signed, higher version, persisted--> current
//
// Older, unsigned or unpersisted never becomes current, also after a restart. Not here: what the document says.
#pragma once

#include <functional>
#include <optional>

#include "bus/config/document.hpp"

namespace holdpoint::broker {

/// Where the document survives a restart. Production: a file, replaced atomically and synced.
class DocumentStore {
 public:
  virtual ~DocumentStore() = default;
  /// `not_found` when there is none yet.
  virtual Result<config::SignedDocument> load() = 0;
  virtual Result<void> save(const config::SignedDocument& document) = 0;
};

/// Checks the operator's signature and parses; production: config::open_document with the pinned operator key.
using DocumentVerifier = std::function<Result<config::Document>(const config::SignedDocument&)>;

class Configuration {
 public:
  Configuration(DocumentVerifier verifier, DocumentStore& store) : verifier_(std::move(verifier)), store_(store) {}

  /// What was persisted. Fails when it does not verify; having none is no failure.
  Result<void> load();
  /// True when the document is new; false for the same version with the same bytes. Fails with `tampered`,
  /// `malformed`, `stale` (lower version, or the same version with other bytes) or `not_durable`.
  Result<bool> apply(const config::SignedDocument& signed_document);

  [[nodiscard]] std::uint64_t version() const { return document_ ? document_->version : 0; }
  [[nodiscard]] const std::optional<config::Document>& document() const { return document_; }
  [[nodiscard]] const config::SignedDocument& signed_document() const { return signed_; }

 private:
  DocumentVerifier verifier_;
  DocumentStore& store_;
  std::optional<config::Document> document_;
  config::SignedDocument signed_;
};

}  // namespace holdpoint::broker
