// Detection in free text: every trigger is confirmed by a bounded look around it, then the numbers are walked.
// Pure; knows nothing of JSON or XML, only of how names and values stand in logs, shells, YAML, URLs and letters.
#pragma once

#include <string_view>

#include "masker/detect/candidate.hpp"
#include "masker/detect/triggers.hpp"

namespace holdpoint::masker {

struct TextOptions {
  bool contacts = true;   ///< e-mail addresses and phone numbers
  bool personal = true;   ///< cards, IBANs, national ids, dates of birth …
  bool harmless = false;  ///< the text is the value of a name that says identifier, time, order
};

/// Appends candidates that may overlap: settle() them when those that do not count are gone. `hits` are those of
/// `text`, counted from `base`.
void detect_text(std::string_view text, Hits hits, std::size_t base, TextOptions options, Candidates& out);

}  // namespace holdpoint::masker
