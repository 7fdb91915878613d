#include "bus/broker/configuration.hpp"

namespace holdpoint::broker {

Result<void> Configuration::load() {
  auto stored = store_.load();
  if (!stored) {
    if (stored.error().code == Code::not_found) return {};
    return stored.error();
  }
  auto document = verifier_(*stored);
  if (!document) return document.error();
  signed_ = std::move(*stored);
  document_ = std::move(*document);
  return {};
}

Result<bool> Configuration::apply(const config::SignedDocument& signed_document) {
  auto document = verifier_(signed_document);
  if (!document) return document.error();
  if (document_) {
    if (document->deployment != document_->deployment) {
      return fail(Code::denied, "the document belongs to another deployment");
    }
    const bool same = document->version == document_->version && signed_document.text == signed_.text;
    if (same) return false;
    if (document->version <= document_->version) {
      return fail(Code::stale, "version " + std::to_string(document->version) + " is not above the current " +
                                   std::to_string(document_->version));
    }
  }
  // Durable before anyone hears of it: a restart must not go back.
  if (auto saved = store_.save(signed_document); !saved) return fail(Code::not_durable, saved.error().context);
  signed_ = signed_document;
  document_ = std::move(*document);
  return true;
}

}  // namespace holdpoint::broker
