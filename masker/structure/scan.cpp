#include "masker/structure/scan.hpp"

#include <algorithm>
#include <array>

#include "bus/base/encoding.hpp"
#include "masker/detect/byte_set.hpp"
#include "masker/detect/harmless.hpp"
#include "masker/detect/named_value.hpp"
#include "masker/structure/sniff.hpp"

namespace holdpoint::masker {
namespace {

/// Services whose answers describe accounts and resources: an e-mail address or phone number there is an identity that
/// tools need, not data about people.
bool is_control_plane(std::string_view service) {
  constexpr auto services = std::to_array<std::string_view>({"iam",
                                                             "sts",
                                                             "organizations",
                                                             "account",
                                                             "sso",
                                                             "sso-admin",
                                                             "identitystore",
                                                             "ec2",
                                                             "ecs",
                                                             "eks",
                                                             "guardduty",
                                                             "securityhub",
                                                             "detective",
                                                             "macie2",
                                                             "ram",
                                                             "budgets",
                                                             "sns",
                                                             "ses",
                                                             "sesv2",
                                                             "route53domains",
                                                             "acm",
                                                             "codecommit",
                                                             "codebuild",
                                                             "codepipeline",
                                                             "cloudformation",
                                                             "chime",
                                                             "workmail",
                                                             "support",
                                                             "controltower",
                                                             "inspector2",
                                                             "auditmanager",
                                                             "ecr",
                                                             "rds",
                                                             "elasticloadbalancing",
                                                             "elbv2",
                                                             "autoscaling",
                                                             "access-denied",
                                                             "codestar-notifications"});
  return std::find(services.begin(), services.end(), service) != services.end();
}

constexpr ByteSet white_space(" \t\r\n");
constexpr ByteSet json_marks("{\"");

/// "Bearer ", "Basic ", "token ": what stands in front of the secret in an Authorization header.
std::size_t scheme_length(std::string_view text) {
  for (std::string_view scheme : {"bearer ", "basic ", "token "}) {
    if (text.size() > scheme.size() && equal_ignoring_case(text.substr(0, scheme.size()), scheme)) return scheme.size();
  }
  return 0;
}

}  // namespace

Scan::Scan(const MaskInput& input)
    : input_(input),
      members_(sensitive_members(input.service, input.operation)),
      keys_(&known_keys()),
      fill_(input.length_preserving) {
  for (const PathRule& rule : input.rules.paths) {
    OperatorMember each{{{}, rule.kind, false}, rule.name};
    std::string_view rest = rule.path;
    while (!rest.empty()) {
      const std::size_t dot = rest.find('.');
      each.member.path.emplace_back(rest.substr(0, dot));
      rest.remove_prefix(dot == std::string_view::npos ? rest.size() : dot + 1);
    }
    operator_members_.push_back(std::move(each));
  }
  switch (input.rules.contacts) {
    case Rules::Contacts::on:
      contacts_ = true;
      break;
    case Rules::Contacts::off:
      contacts_ = false;
      break;
    case Rules::Contacts::by_service:
      contacts_ = !is_control_plane(input.service);
      break;
  }
}

Class Scan::model_class(std::string_view value) {
  named_by_ = "model";
  told_left_ = Class::none;
  for (const SensitiveMember* member : members_) {
    if (!matches(*member, path_)) continue;
    const Class kind = member->judged ? judge_named({Hint::secret, member->kind}, value) : member->kind;
    if (kind != Class::none && is_due(kind, "model")) return kind;
  }
  for (const OperatorMember& each : operator_members_) {
    // DynamoDB writes {"note":{"S":"…"}}: whoever names a member means what is below it too.
    for (std::size_t names = each.member.path.size(); names <= path_.size(); ++names) {
      if (!matches(each.member, std::span(path_).first(names))) continue;
      named_by_ = each.rule;
      return each.member.kind;
    }
  }
  return Class::none;
}

void Scan::want_structure(int depth) {
  if (depth != document_depth_ || operator_members_.empty()) return;
  block("the operator's masking rules name members, and this document does not parse");
}

void Scan::drop_disabled(Candidates& candidates) {
  std::erase_if(candidates, [&](const Candidate& found) { return !is_due(found.kind, found.rule); });
}

bool Scan::is_due(Class kind, std::string_view rule) {
  if (!enabled(kind)) return false;
  const auto& unmask = input_.rules.unmask;
  // What goes into the record is never left.
  if (unmask.empty() || input_.direction != "answer") return true;
  if (std::find(unmask.begin(), unmask.end(), kind) == unmask.end()) return true;
  if (told_left_ != kind) left_.add(kind, rule, path_text());
  if (rule == "model" || rule == "name") told_left_ = kind;
  return false;
}

void Scan::find_patterns(std::string_view text, Candidates& out) {
  if (!has_patterns()) return;
  const std::size_t before = out.size();
  if (!input_.rules.patterns->find(text, out)) return block("pattern scan failed");
  const auto in_a_mask = [&](const Candidate& found) {
    const auto is_part = [&](char c) { return in_alphabet(c, 'a') || c == '-' || c == '*'; };
    std::size_t begin = found.begin;
    std::size_t end = found.end;
    while (begin > 0 && found.begin - begin < 64 && is_part(text[begin - 1])) --begin;
    while (end < text.size() && end - found.end < 64 && is_part(text[end])) ++end;
    return is_mask(text.substr(begin, end - begin));
  };
  out.erase(std::remove_if(out.begin() + static_cast<std::ptrdiff_t>(before), out.end(), in_a_mask), out.end());
}

void Scan::add_all(const Candidates& detected, std::string_view text, Shape shape, Edits& edits) {
  const auto add_each = [&](const Candidates& candidates, Edits& out) {
    for (const Candidate& found : candidates)
      add(found.kind, found.rule, text.substr(found.begin, found.end - found.begin), found.begin, shape, out);
  };
  if (!has_patterns()) return add_each(detected, edits);
  Candidates patterns;
  find_patterns(text, patterns);
  Edits all;
  add_each(detected, all);
  add_each(patterns, all);
  order(all);
  edits.insert(edits.end(), all.begin(), all.end());
}

void Scan::encoded_patterns(std::string_view text, std::size_t before, Edits& edits) {
  Candidates found;
  find_patterns(text, found);
  if (found.empty()) return;
  edits.resize(before);
  add(found.front().kind, found.front().rule, text, 0, Shape::text, edits);
}

bool Scan::enabled(Class kind) const {
  if (!is_personal(kind)) return true;
  if (!contacts_ && (kind == Class::email || kind == Class::phone || kind == Class::date_of_birth ||
                     kind == Class::national_id || kind == Class::passport || kind == Class::driver_license)) {
    return false;
  }
  return std::find(input_.rules.disabled.begin(), input_.rules.disabled.end(), kind) == input_.rules.disabled.end();
}

std::string Scan::path_text() const {
  std::string out;
  for (std::string_view name : path_) {
    if (!out.empty()) out.push_back('.');
    out.append(name.substr(0, 64));
    if (out.size() > 256) break;  // a label, not the data
  }
  return display(out, 320);
}

void Scan::add(Class kind, std::string_view rule, std::string_view value, std::size_t begin, Shape shape,
               Edits& edits) {
  if (fill_) shape = shape == Shape::number ? Shape::number_fill : Shape::fill;
  std::string mask = mask_for(kind, value, shape, input_.rules.styles.of(kind));
  if (mask == value || is_mask(value)) return;  // already masked
  edits.push_back({begin, begin + value.size(), std::move(mask)});
  tally_.add(kind, rule, path_text());
}

void Scan::free_text(std::string_view text, Hits hits, std::size_t base, KeyClass key, int depth, Edits& edits) {
  if (depth < nested_depth_max && text.size() >= 24) {
    Edits opened;
    encoded_runs(text, depth + 1, opened);
    if (!opened.empty()) {
      Edits plain;
      free_text(text, hits, base, key, nested_depth_max, plain);
      // A secret that the text names outweighs what its base64 holds.
      append(std::move(opened), plain);
      order(plain);
      append(std::move(plain), edits);
      return;
    }
  }
  Candidates candidates;
  TextOptions options;
  options.contacts = contacts_;
  options.harmless = key.hint == Hint::harmless;
  detect_text(text, hits, base, options, candidates);
  drop_disabled(candidates);
  settle(candidates);
  add_all(candidates, text, Shape::text, edits);
}

void Scan::value(const Leaf& leaf, int depth, Edits& edits) {
  judge(leaf, depth, edits);
  told_left_ = Class::none;
}

void Scan::judge(const Leaf& leaf, int depth, Edits& edits) {
  const std::string_view text = leaf.text;
  const bool numeric = leaf.number && is_number(text);
  Class whole = leaf.model;
  std::string_view rule = std::exchange(named_by_, "model");
  // What a model or an operator names is masked whatever it looks like.
  if (text.empty()) whole = Class::none;
  if (whole == Class::none && leaf.key.hint >= Hint::password) {
    // A document under a sensitive name keeps its structure when every value in it can be judged; a PEM key its frame.
    whole = judge_named(leaf.key, text);
    rule = "name";
    if (whole != Class::none && !is_due(whole, rule)) whole = Class::none;
  }
  if (whole != Class::none && text.starts_with("-----BEGIN ")) {
    // Keep the frame, so that readers of keys say what is wrong.
    const std::size_t before = edits.size();
    free_text(text, leaf.hits, leaf.hits_base, leaf.key, depth, edits);
    if (edits.size() > before) return;
  }
  if (whole == Class::token && rule == "name") {
    if (text.starts_with("AWS4-HMAC-")) return free_text(text, leaf.hits, leaf.hits_base, leaf.key, depth, edits);
    const std::size_t scheme = scheme_length(text);
    if (scheme > 0) return add(whole, rule, text.substr(scheme), scheme, Shape::text, edits);
  }
  if (whole != Class::none) {
    if (leaf.blob && !fill_) {
      // Its length is that of the base64: a fill would say nothing true.
      const std::string mask = to_base64(mask_for(whole, text, Shape::text, Style::redact));
      if (mask == text) return;
      edits.push_back({0, text.size(), mask});
      tally_.add(whole, rule, path_text());
      return;
    }
    // An access key id under a name keeps what access key ids keep.
    return add(whole, rule, text, 0, numeric ? Shape::number : Shape::text, edits);
  }
  if (leaf.number) {
    Candidates candidates;
    if (text.size() >= 9 && leaf.key.hint != Hint::harmless) detect_text(text, {}, 0, {false, true, false}, candidates);
    drop_disabled(candidates);
    settle(candidates);
    return add_all(candidates, text, Shape::number, edits);
  }
  if (text.size() < 4) return;
  if (depth < nested_depth_max) {
    const std::size_t first = white_space.find_other(text);
    if (first != std::string_view::npos && text.size() >= 8) {
      const char c = text[first];
      if (c == '{' || (c == '[' && json_marks.find(text, first) != std::string_view::npos))
        return walk_json(text, depth + 1, edits);
      if (c == '<' && text.find("</", first) != std::string_view::npos) return walk_xml(text, depth + 1, edits);
      const std::size_t before = edits.size();
      if ((c == '%' && text.substr(first, 3) == "%7B" && percent_value(leaf, depth, edits)) ||
          (text.size() >= 16 && base64_value(leaf, depth, edits)) ||
          (text.size() >= 34 && hex_value(leaf, depth, edits)))
        return encoded_patterns(text, before, edits);
      if (text.size() > 64 && text.find('\n') != std::string_view::npos && text.find('{') != std::string_view::npos)
        return walk_text(text, depth + 1, edits);
    }
  }
  free_text(text, leaf.hits, leaf.hits_base, leaf.key, depth, edits);
}

void Scan::walk_document(std::string_view text, std::string_view content_type, int depth, Edits& edits) {
  const std::string type = to_lower(content_type.substr(0, content_type.find(';')));
  if (walk_binary(text, type, depth, edits)) return;
  if (depth > nested_depth_max) return walk_text(text, depth, edits);
  const std::size_t first = white_space.find_other(text);
  if (first == std::string_view::npos) return;
  constexpr std::string_view mark = "\xef\xbb\xbf";
  std::size_t marked = 0;
  while (text.substr(marked).starts_with(mark)) marked += mark.size();
  if (marked > 0) {
    const std::size_t before = edits.size();
    walk_document(text.substr(marked), content_type, depth, edits);
    return shift(edits, before, marked);
  }
  if (type == "application/x-tty") return walk_terminal(text, depth, edits);
  // What stands there decides more than what a header says it is.
  const char c = text[first];
  if (c == '{' || c == '[') {
    if (c == '{' || type.find("json") != std::string::npos || json_marks.find(text, first) != std::string_view::npos)
      return walk_json(text, depth, edits);
  }
  if (type.find("json") != std::string::npos) return walk_json(text, depth, edits);
  if (c == '<' && (type.find("xml") != std::string::npos || text.substr(first).starts_with("<?xml") ||
                   text.find("</", first) != std::string_view::npos))
    return walk_xml(text, depth, edits);
  if (type == "application/x-www-form-urlencoded") return walk_form(text, depth, edits);
  if (type == "text/csv" || type == "text/tab-separated-values") return walk_csv(text, depth, edits);
  if ((type.empty() || type == "application/octet-stream" || type == "binary/octet-stream") &&
      is_table_with_header(text))
    return walk_csv(text, depth, edits);
  walk_text(text, depth, edits);
}

void shift(Edits& edits, std::size_t from, std::size_t by) {
  for (std::size_t i = from; i < edits.size(); ++i) {
    edits[i].begin += by;
    edits[i].end += by;
  }
}

void append(Edits&& more, Edits& edits) {
  if (edits.empty()) {
    edits = std::move(more);
  } else {
    edits.insert(edits.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
}

void order(Edits& edits) {
  if (edits.size() < 2) return;
  if (std::is_sorted(edits.begin(), edits.end(),
                     [](const Edit& a, const Edit& b) { return a.end <= b.begin && a.begin < b.begin; })) {
    bool apart = true;
    for (std::size_t i = 1; i < edits.size() && apart; ++i) apart = edits[i - 1].end <= edits[i].begin;
    if (apart) return;
  }
  std::stable_sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) { return a.begin < b.begin; });
  std::size_t kept = 0;
  for (std::size_t i = 1; i < edits.size(); ++i) {
    if (edits[i].begin < edits[kept].end) {
      // The union is masked; a mask that kept its length goes on doing so.
      Edit& first = edits[kept];
      const std::size_t end = std::max(first.end, edits[i].end);
      if (first.text.size() == first.end - first.begin) first.text.append(end - first.end, '*');
      first.end = end;
    } else if (++kept != i) {
      edits[kept] = std::move(edits[i]);
    }
  }
  edits.resize(kept + 1);
}

}  // namespace holdpoint::masker
