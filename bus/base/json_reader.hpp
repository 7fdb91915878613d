// Reads one JSON text into a value, in one pass. Takes exactly what nlohmann's parser takes (a test compares the two),
// and refuses what that lets pass: duplicate keys and too deep nesting. json.hpp is the way in; ops/adr/0004 says why.
#pragma once

#include "bus/base/json.hpp"

namespace holdpoint {

class JsonReader {
 public:
  JsonReader(std::string_view text, JsonLimits limits) : text_(text), limits_(limits) {}

  /// The whole text, once. Fails as parse_json does.
  Result<Json> read();

 private:
  // Each returns false after a failure, which error_ then holds.
  bool value(Json& out);
  bool object(Json& out);
  bool array(Json& out);
  bool number(Json& out);
  bool text(std::string& out);
  bool escape(std::string& out);
  bool code_unit(unsigned& out);
  bool word(std::string_view rest);
  bool open();

  void skip_space();
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char wanted);
  bool invalid();

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  JsonLimits limits_;
  Error error_ = fail(Code::malformed, "invalid JSON");
};

}  // namespace holdpoint
