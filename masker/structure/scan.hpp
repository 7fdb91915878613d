// One document on its way through the structures. Holds what all of them share (options, members by model, the path,
// the findings) and dispatches a value to what it holds: nested JSON, base64, text.
//
// Every walk_* takes text and appends edits in that text's coordinates. A structure that unescapes maps the edits of
// the unescaped text back (position_map.hpp), so masks are spliced into the original bytes on every level.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "masker/detect/key_cache.hpp"
#include "masker/detect/key_name.hpp"
#include "masker/detect/text.hpp"
#include "masker/finding.hpp"
#include "masker/mask.hpp"
#include "masker/redact.hpp"
#include "masker/structure/sensitive_members.hpp"

namespace holdpoint::masker {

/// Deeper nesting of encodings (JSON in a string in base64 …) is read as text.
inline constexpr int nested_depth_max = 4;

/// A value and what stands around it.
struct Leaf {
  std::string_view text;  ///< unescaped
  Hits hits;              ///< of `text`, counted from `hits_base`
  std::size_t hits_base = 0;
  KeyClass key;
  Class model = Class::none;  ///< by the table or the operator's rules
  bool number = false;        ///< must stay a number
  bool blob = false;          ///< must stay base64
};

class Scan {
 public:
  explicit Scan(const MaskInput& input);

  /// Sniffs and walks a whole document (or what was decoded from one). `content_type` may be empty.
  void walk_document(std::string_view text, std::string_view content_type, int depth, Edits& edits);
  void walk_json(std::string_view text, int depth, Edits& edits);
  void walk_xml(std::string_view text, int depth, Edits& edits);
  void walk_form(std::string_view text, int depth, Edits& edits);
  void walk_csv(std::string_view text, int depth, Edits& edits);
  void walk_text(std::string_view text, int depth, Edits& edits);
  /// As text, what `edits` (of all of it) leave.
  void walk_rest(std::string_view text, int depth, Edits& edits);
  void walk_terminal(std::string_view bytes, int depth, Edits& edits);
  /// Forms that are not UTF-8 text; false when `bytes` are none. What cannot be inspected blocks the document.
  bool walk_binary(std::string_view bytes, std::string_view type, int depth, Edits& edits);
  /// Each false when the bytes are not of that form; nothing is appended then.
  bool walk_cbor(std::string_view bytes, int depth, Edits& edits);
  bool walk_event_stream(std::string_view bytes, int depth, Edits& edits);
  bool walk_postgres(std::string_view bytes, int depth, Edits& edits);
  bool walk_multipart(std::string_view bytes, int depth, Edits& edits);

  /// One value: by model, by name, by what it holds.
  void value(const Leaf& leaf, int depth, Edits& edits);
  /// One value of bytes rather than text.
  void binary_value(const Leaf& leaf, int depth, Edits& edits);
  /// Text that is masked by the detectors alone.
  void free_text(std::string_view text, Hits hits, std::size_t base, KeyClass key, int depth, Edits& edits);

  [[nodiscard]] KeyFacts key_facts_of(std::string_view name) { return keys_->facts(name); }
  [[nodiscard]] KeyClass key_class(std::string_view name) { return keys_->facts(name).key; }
  /// By the operation's table and the operator's paths, for the current path. What is switched off is none, but for
  /// what an operator names.
  [[nodiscard]] Class model_class(std::string_view value);
  /// Neither switched off nor left unmasked; what is left is counted.
  bool is_due(Class kind, std::string_view rule);
  /// The operator has patterns, which look into names and numbers that no detector would.
  [[nodiscard]] bool has_patterns() const { return input_.rules.patterns != nullptr; }
  /// A document that does not parse has no places: where the operator named some, it cannot be passed on. What stands
  /// deeper than the document itself is a value, which may be any text.
  void want_structure(int depth);

  void push(std::string_view name) { path_.push_back(name); }
  void pop() { path_.pop_back(); }
  [[nodiscard]] std::size_t depth_of_path() const { return path_.size(); }

  void add(Class kind, std::string_view rule, std::string_view value, std::size_t begin, Shape shape, Edits& edits);
  [[nodiscard]] std::vector<Finding> take_findings() { return tally_.take(); }
  /// What the rules leave unmasked.
  [[nodiscard]] std::vector<Finding> take_left() { return left_.take(); }
  /// Why the document cannot be passed on; empty when it can.
  [[nodiscard]] const std::string& blocked() const { return blocked_; }
  void block(std::string reason) {
    if (blocked_.empty()) blocked_ = std::move(reason);
  }
  [[nodiscard]] bool length_preserving() const { return fill_; }

 private:
  void judge(const Leaf& leaf, int depth, Edits& edits);
  /// Counts what was unpacked within the whole document; false when nothing more may be, or need be.
  bool spend(std::size_t bytes);
  void walk_packed(std::string_view bytes, int depth, Edits& edits);
  void walk_wide_text(std::string_view bytes, std::string_view type, std::string_view parameters, int depth,
                      Edits& edits);
  void encoded_runs(std::string_view text, int depth, Edits& edits);
  bool base64_value(const Leaf& leaf, int depth, Edits& edits);
  bool hex_value(const Leaf& leaf, int depth, Edits& edits);
  bool percent_value(const Leaf& leaf, int depth, Edits& edits);
  void drop_disabled(Candidates& candidates);
  /// What the operator's patterns find in `text`, without what is a mask already.
  void find_patterns(std::string_view text, Candidates& out);
  /// Masks what was detected in `text` and what the patterns find there; where both overlap, all of it.
  void add_all(const Candidates& detected, std::string_view text, Shape shape, Edits& edits);
  /// An encoded value as it stands: a pattern that fits it masks the whole of it, with what was masked inside.
  void encoded_patterns(std::string_view text, std::size_t before, Edits& edits);
  [[nodiscard]] bool enabled(Class kind) const;
  [[nodiscard]] std::string path_text() const;

  const MaskInput& input_;
  std::vector<const SensitiveMember*> members_;
  struct OperatorMember {
    SensitiveMember member;
    std::string_view rule;
  };
  std::vector<OperatorMember> operator_members_;
  std::string_view named_by_ = "model";  ///< whose word the last model_class() was
  std::vector<std::string_view> path_;
  KeyCache* keys_;
  Tally tally_;
  Tally left_;
  Class told_left_ = Class::none;  ///< of the value at hand: counted once
  std::string blocked_;
  std::size_t unpacked_ = 0;
  int document_depth_ = 0;  ///< below the packing or the wide text that the whole document came in
  bool contacts_ = true;
  bool fill_ = false;
};

/// Sorts edits and drops those that overlap an earlier one.
void order(Edits& edits);
/// Puts `more` behind `edits`.
void append(Edits&& more, Edits& edits);
/// Edits of a part, from the one at `from` on, become edits of the whole in which it stands at `by`.
void shift(Edits& edits, std::size_t from, std::size_t by);

}  // namespace holdpoint::masker
