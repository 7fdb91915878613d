// How failures travel: Result<T> carries an operating error; `invariant` ends the process on a bug of our own.
// Exceptions stay inside the adapters of libraries that throw, and in start-up and configuration.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace holdpoint {

/// Error codes, on the wire too: numbered, append-only, never reused. PROTOCOL.md lists what each asks of the receiver.
enum class Code : std::uint16_t {
  malformed = 1,  ///< input that does not parse
  too_large = 2,  ///< a named bound is exceeded
  not_found = 3,
  denied = 4,           ///< refused by policy or role
  unauthenticated = 5,  ///< who is asking could not be established
  expired = 6,
  rejected = 7,     ///< a reviewer said no
  overloaded = 8,   ///< a bounded queue is full; trying later helps
  unavailable = 9,  ///< a component does not answer
  timed_out = 10,
  outcome_unknown = 11,  ///< bytes left and no answer came; never retried
  conflict = 12,         ///< somebody else was first
  not_durable = 13,      ///< the record could not be written
  configuration = 14,
  unsupported = 15,
  internal = 16,
  review_closed = 17,
  revoked = 18,
  stale = 19,     ///< older than what is already known (version, epoch, lease)
  tampered = 20,  ///< a signature, checksum or hash does not fit
};

/// The code's name as it stands on the wire and in logs, e.g. "too_large".
std::string_view name(Code code);
/// The reverse; `internal` for a name that this version does not know.
Code code_from_name(std::string_view name);

struct Error {
  Code code;
  std::string context;  ///< what happened, why, what to do; never a secret
};

template <class T = void>
using Result = boost::system::result<T, Error>;

/// `return fail(Code::malformed, "...")` from any function that returns a Result.
inline Error fail(Code code, std::string context) { return Error{code, std::move(context)}; }

/// Thrown by Result::value() on an error, for start-up code and tests.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

/// Ends the process when our own logic is wrong. Never on outside data.
[[noreturn]] void invariant_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace holdpoint

#define HOLDPOINT_INVARIANT(condition) \
  ((condition) ? static_cast<void>(0) : ::holdpoint::invariant_failed(#condition, __FILE__, __LINE__))
