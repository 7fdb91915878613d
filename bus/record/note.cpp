#include "bus/record/note.hpp"

#include <charconv>

namespace holdpoint::record {
namespace {

constexpr std::string_view kEd25519 = "\x01";
constexpr std::string_view kDash = "\xe2\x80\x94 ";
constexpr std::size_t kNoteBytesMax = 16 << 10;  // a checkpoint with dozens of witnesses; anything longer is none

Bytes key_hash(std::string_view name, BytesView public_key) {
  Bytes input(name);
  input.append("\n").append(kEd25519).append(public_key);
  const Hash hash = sha256(input);
  return Bytes(view(hash).substr(0, 4));
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == text.npos) return {};
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

Result<Checkpoint> parse_text(std::string_view text) {
  Checkpoint checkpoint;
  checkpoint.origin = std::string(take_line(text));
  const std::string_view size = take_line(text);
  const auto root = from_base64(take_line(text));
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), checkpoint.size);
  const bool canonical =
      error == std::errc() && end == size.data() + size.size() && std::to_string(checkpoint.size) == size;
  if (checkpoint.origin.empty() || !canonical || !root || root->size() != sizeof(Hash)) {
    return fail(Code::malformed, "a checkpoint begins with origin, size and root");
  }
  checkpoint.root = hash_from(*root);
  return checkpoint;
}

bool signed_by(std::string_view text, std::string_view signatures, std::string_view origin, BytesView public_key) {
  const Bytes wanted = key_hash(origin, public_key);
  while (!signatures.empty()) {
    std::string_view line = take_line(signatures);
    if (!line.starts_with(kDash)) return false;
    line.remove_prefix(kDash.size());
    const std::size_t space = line.find(' ');
    if (space == line.npos || line.substr(0, space) != origin) continue;
    const auto blob = from_base64(line.substr(space + 1));
    if (!blob || blob->size() != 4 + 64 || blob->substr(0, 4) != wanted) continue;
    if (verify_ed25519(public_key, text, BytesView(*blob).substr(4))) return true;
  }
  return false;
}

}  // namespace

std::string log_origin(std::string_view deployment) { return "holdpoint/" + uri_encode(deployment); }

std::string checkpoint_text(const Checkpoint& checkpoint) {
  return checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" + to_base64(view(checkpoint.root)) + "\n";
}

std::string sign_checkpoint(const Checkpoint& checkpoint, const SigningKey& key) {
  const std::string text = checkpoint_text(checkpoint);
  const Bytes blob = key_hash(checkpoint.origin, key.public_key()) + key.sign(text);
  return text + "\n" + std::string(kDash) + checkpoint.origin + " " + to_base64(blob) + "\n";
}

Result<Checkpoint> open_checkpoint(std::string_view note, const std::vector<Bytes>& public_keys) {
  if (note.size() > kNoteBytesMax) return fail(Code::too_large, "a checkpoint is a short text");
  const std::size_t end = note.find("\n\n");
  if (end == note.npos || !note.ends_with('\n')) return fail(Code::malformed, "a checkpoint has text and signatures");
  const std::string_view text = note.substr(0, end + 1);
  auto checkpoint = parse_text(text);
  if (!checkpoint) return checkpoint;
  for (const Bytes& key : public_keys) {
    if (signed_by(text, note.substr(end + 2), checkpoint->origin, key)) return checkpoint;
  }
  return fail(Code::tampered, "no known key signed the checkpoint of size " + std::to_string(checkpoint->size));
}

std::string verifier_key(std::string_view origin, BytesView public_key) {
  return std::string(origin) + "+" + to_hex(key_hash(origin, public_key)) + "+" +
         to_base64(Bytes(kEd25519).append(public_key));
}

Result<Bytes> public_key_from_verifier_key(std::string_view text) {
  const std::size_t first = text.find('+');
  const std::size_t second = first == text.npos ? text.npos : text.find('+', first + 1);
  if (second == text.npos) return fail(Code::malformed, "a verifier key is name+hash+key");
  const auto blob = from_base64(text.substr(second + 1));
  if (!blob || blob->size() != 33 || !blob->starts_with(kEd25519)) {
    return fail(Code::malformed, "a verifier key holds one Ed25519 key");
  }
  Bytes public_key = blob->substr(1);
  if (to_hex(key_hash(text.substr(0, first), public_key)) != text.substr(first + 1, second - first - 1)) {
    return fail(Code::malformed, "the verifier key's hash does not fit its name and key");
  }
  return public_key;
}

}  // namespace holdpoint::record
