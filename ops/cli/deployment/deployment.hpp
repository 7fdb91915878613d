// The operator's side of a deployment: its keyring, the signed configuration document as last issued, and the only way
// to change it. What the YAML file says is compiled into it; keys, sealed credentials, session keys and revocations by
// hand are carried from version to version.
//
// Not here: distribution to processes (the broker's), who runs (supervisor/).
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "bus/base/result.hpp"
#include "bus/config/document.hpp"
#include "bus/wire/role.hpp"
#include "ops/cli/supervisor/layout.hpp"

namespace holdpoint::deployment {

struct Member {
  wire::Role role;
  std::string name;  ///< "gateway-1"
};

/// Makes what is missing: keyring, the operator's and every member's identity file, the embedded issuer's key, a
/// session key. Repeating it changes nothing.
Result<void> prepare(const supervisor::Layout& layout, const std::vector<Member>& members);

/// The document as last issued.
Result<config::Document> current(const supervisor::Layout& layout);

using Edit = std::function<Result<void>(config::Document&)>;

/// Under a lock: the current document, edited, with the next version, signed and kept. Returns the version; that of the
/// current document when the edit changed nothing.
Result<std::uint64_t> issue(const supervisor::Layout& layout, const Edit& edit);

/// Hands the signed document to the broker: by the bus when it answers, else by the file that it starts with.
/// False: the bus does not run; it will be handed over at its start.
Result<bool> distribute(const supervisor::Layout& layout);

/// Puts the document where the broker finds it at its start.
Result<void> hand_to_broker(const supervisor::Layout& layout);

/// What the YAML file and the policies beside it say, policies linted too.
Result<config::Document> read_configuration(const std::filesystem::path& file);

/// An edit that takes everything the YAML file says from the file.
Edit from_file(const supervisor::Layout& layout, const std::filesystem::path& file);

/// What is in force is what the file says and what `holdpoint revoke` said, so that neither admits what the other
/// refuses.
void combine_revocations(config::Document& document);

/// The identity file of a process for this or another host, and its row in the document.
Result<std::filesystem::path> issue_identity(const supervisor::Layout& layout, const Member& member,
                                             const std::string& bus_endpoint, const std::filesystem::path& file);

/// What `holdpoint credentials set` and `up --credentials` take: a JSON object.
Result<Json> parse_credentials(std::string_view text);

/// What a second look finds odd though it is allowed: a target without credentials, a role nobody may become.
std::vector<std::string> warnings(const config::Document& document);

}  // namespace holdpoint::deployment
