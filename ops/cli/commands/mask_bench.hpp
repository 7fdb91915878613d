// holdpoint mask --bench: how fast the masking engine is on this machine, on bodies of the user's own.
#pragma once

#include <string>

#include "ops/cli/commands/context.hpp"

namespace holdpoint::commands {

struct MaskBenchOptions {
  /// JSON lines, gzip or not: the line protocol's requests, or the scorer's labelled documents ("body", "encoding").
  std::string corpus;
  unsigned workers = 1;
  double seconds = 2;  ///< of each measurement
};

/// Prints rates by processor time (a busy machine does not change them), and with more workers by the clock.
Result<void> bench_mask(const Context& context, const MaskBenchOptions& options);

}  // namespace holdpoint::commands
