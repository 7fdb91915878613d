#include "masker/detect/patterns.hpp"

#include <hs/hs.h>

#include <atomic>
#include <cstdlib>
#include <list>

#include "bus/base/encoding.hpp"

namespace holdpoint::masker {
namespace {

constexpr unsigned match_bytes_min = 4;
constexpr unsigned match_bytes_max = 256;
// A set for each operation that has rules of its own, and as many as a deployment has rules.
constexpr std::size_t sets_kept_max = 128;
// Where a match begins is asked of the library: the expressions are bounded, so it need not remember far.
constexpr unsigned flags_of_all = HS_FLAG_SOM_LEFTMOST;

std::string expression_of(const PatternRule& rule) {
  if (!rule.is_literal) return rule.text;
  std::string out;
  for (const char c : rule.text) out += "\\x" + to_hex(std::string_view(&c, 1));
  return out;
}

Error complaint(const PatternRule& rule, const std::string& what) {
  return Error{Code::malformed, "\"" + display(rule.text, 80) + "\" " + what};
}

Result<void> check_width(const PatternRule& rule, const std::string& expression) {
  hs_expr_info_t* info = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_expression_info(expression.c_str(), flags_of_all, &info, &error) != HS_SUCCESS) {
    const Error told = complaint(rule, std::string("is no expression that can be searched for: ") +
                                           (error == nullptr ? "" : display(error->message, 120)));
    hs_free_compile_error(error);
    return told;
  }
  const unsigned shortest = info->min_width;
  const unsigned longest = info->max_width;
  std::free(info);  // NOLINT: the library's contract
  if (shortest < match_bytes_min) return complaint(rule, "fits less than 4 bytes, so it would mask everything");
  if (longest > match_bytes_max) return complaint(rule, "fits more than 256 bytes: bound it, like x{1,64}");
  return {};
}

struct Collected {
  const std::vector<PatternRule>* rules;
  Candidates* out;
  std::vector<std::size_t> newest;  ///< by rule: one above its newest candidate
};

int collect_match(unsigned id, unsigned long long from, unsigned long long to, unsigned /*flags*/, void* context) {
  auto& collected = *static_cast<Collected*>(context);
  std::size_t& newest = collected.newest[id];
  if (newest > 0) {
    Candidate& last = (*collected.out)[newest - 1];
    if (from < last.end) {
      last.begin = std::min<std::size_t>(last.begin, from);
      last.end = std::max<std::size_t>(last.end, to);
      return 0;
    }
  }
  const PatternRule& rule = (*collected.rules)[id];
  collected.out->push_back({from, to, rule.kind, rule.name});
  newest = collected.out->size();
  return 0;
}

struct FreePatternScratch {
  void operator()(hs_scratch_t* scratch) const { hs_free_scratch(scratch); }
};

}  // namespace

struct Patterns::Database {
  hs_database_t* compiled = nullptr;
  std::uint64_t number = 0;  ///< never used again, unlike an address
  ~Database() { hs_free_database(compiled); }
};

Patterns::Patterns(std::vector<PatternRule> rules) : rules_(std::move(rules)), database_(new Database) {}
Patterns::~Patterns() = default;

Result<std::shared_ptr<const Patterns>> Patterns::compile(std::vector<PatternRule> rules) {
  static std::atomic<std::uint64_t> numbers{0};
  std::shared_ptr<Patterns> patterns(new Patterns(std::move(rules)));
  std::vector<std::string> texts;
  for (const PatternRule& rule : patterns->rules_) {
    texts.push_back(expression_of(rule));
    if (auto fits = check_width(rule, texts.back()); !fits) return fits.error();
  }
  std::vector<const char*> expressions;
  std::vector<unsigned> flags(texts.size(), flags_of_all);
  std::vector<unsigned> ids;
  for (const std::string& text : texts) {
    ids.push_back(static_cast<unsigned>(ids.size()));
    expressions.push_back(text.c_str());
  }
  hs_compile_error_t* error = nullptr;
  if (hs_compile_multi(expressions.data(), flags.data(), ids.data(), static_cast<unsigned>(ids.size()), HS_MODE_BLOCK,
                       nullptr, &patterns->database_->compiled, &error) != HS_SUCCESS) {
    const std::size_t at = error == nullptr || error->expression < 0 ? 0 : static_cast<std::size_t>(error->expression);
    const Error told =
        complaint(patterns->rules_[std::min(at, ids.size() - 1)],
                  "cannot be compiled: " + std::string(error == nullptr ? "" : display(error->message, 120)));
    hs_free_compile_error(error);
    return told;
  }
  patterns->database_->number = ++numbers;
  return std::shared_ptr<const Patterns>(std::move(patterns));
}

Result<std::shared_ptr<const Patterns>> Patterns::compiled(const std::vector<PatternRule>& rules) {
  struct Kept {
    std::string key;
    std::shared_ptr<const Patterns> patterns;
  };
  thread_local std::list<Kept> kept;  // the last used stands last
  std::string key;
  for (const PatternRule& rule : rules) {
    key += std::to_string(static_cast<int>(rule.kind)) + (rule.is_literal ? "l" : "r");
    key += std::to_string(rule.name.size()) + ":" + rule.name + std::to_string(rule.text.size()) + ":" + rule.text;
  }
  for (auto each = kept.begin(); each != kept.end(); ++each) {
    if (each->key != key) continue;
    kept.splice(kept.end(), kept, each);
    return kept.back().patterns;
  }
  auto made = compile(rules);
  if (!made) return made.error();
  if (kept.size() >= sets_kept_max) kept.pop_front();
  kept.push_back({std::move(key), *made});
  return made;
}

bool Patterns::find(std::string_view text, Candidates& out) const {
  thread_local std::unique_ptr<hs_scratch_t, FreePatternScratch> scratch;
  thread_local std::uint64_t fits = 0;
  if (text.size() < match_bytes_min) return true;
  if (text.size() > UINT32_MAX) return false;
  if (fits != database_->number) {
    hs_scratch_t* grown = scratch.release();
    const hs_error_t code = hs_alloc_scratch(database_->compiled, &grown);
    scratch.reset(grown);
    if (code != HS_SUCCESS) return false;
    fits = database_->number;
  }
  Collected collected{&rules_, &out, std::vector<std::size_t>(rules_.size(), 0)};
  return hs_scan(database_->compiled, text.data(), static_cast<unsigned>(text.size()), 0, scratch.get(), collect_match,
                 &collected) == HS_SUCCESS;
}

}  // namespace holdpoint::masker
