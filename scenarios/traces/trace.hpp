#pragma once
// Requests recorded elsewhere, streamed from a file: what is read, dropped and moved is stated in docs/file-formats.md.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "scenarios/diagnostics.hpp"
#include "sim/workload/source.hpp"

namespace tokwatt::scenarios {

struct TraceOptions {
  enum class Format { automatic, azure, csv } format = Format::automatic;
  double speed = 1;              ///< the trace runs so many times as fast as it was recorded
  std::optional<int64_t> limit;  ///< only the first rows of the file
  double start = 0;              ///< instant of the first row [s]
};

class TraceSource : public sim::RequestSource {
 public:
  /// Rows that stood behind a later one in the file and were moved in front of it.
  virtual int64_t rows_moved() const = 0;
};

/// Opens a trace. A first pass over the file reports every mistake in it into `diagnostics` (then the result is null);
/// what cannot be placed in the file (it is missing, an option is wrong) is reported at `asked_at`. The source reads
/// the file again while the simulation runs, and throws InputError if it has changed.
std::unique_ptr<TraceSource> open_trace(const std::string& path, const TraceOptions& options, const Place& asked_at,
                                        Diagnostics& diagnostics);

}  // namespace tokwatt::scenarios
