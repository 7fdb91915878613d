// What of an agent's own words may stand in the record without the masker having read them: names, paths, clients.
// Pure.
//
// Not a detector: it only knows what can hold nothing that a detector would find (short words, few digits in a row, no
// key=value). The rest is shown to the masker, or where there is none to ask, its size is all that is recorded.
#pragma once

#include <string>
#include <string_view>

namespace holdpoint::record {

/// No secret, card or key as any detector knows them fits into this text. Of an ARN only what follows the account
/// counts.
bool is_plain(std::string_view text);

/// `text`, with every part of it (between '/' and ' ') that is not plain replaced by its size.
std::string plain_part(std::string_view text);

/// Our own sentences, which may quote an agent: only what looks like a key or a number of a card is replaced.
std::string plain_sentence(std::string_view text);

/// Numbers of cards replaced by their size. For names that the masker has read: between slashes, digits are ids to it.
std::string without_cards(std::string_view text);

/// A session's name, which clients make of dates and counters: only what looks like a key is replaced.
std::string plain_name(std::string_view text);

}  // namespace holdpoint::record
