#pragma once
// Published claims as a file lists them: one figure a row, about a box, a model, or both (docs/file-formats.md).
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace tokwatt::cli {

struct Claim {
  std::string id, system, model, quant, engine, metric, unit, quote;
  bool has_value = false;
  double low = 0, high = 0;  ///< in the claim's own unit; high is infinite for "at least"
  int64_t prompt = 0;        ///< tokens; 0: not said
  int64_t context = 0;       ///< tokens in the cache in front of it; 0: none, or not said
  int64_t sequences = 0;     ///< requests at once; 0: not said
  bool speculates = false;   ///< says that it guesses tokens ahead (draft model, MTP, EAGLE)

  bool is_open() const { return high == std::numeric_limits<double>::infinity(); }
};

/// Throws InputError with every mistake in the file.
std::vector<Claim> read_claims(const std::string& path);

/// Whether a text names a way to guess tokens ahead, and not to say that there is none.
bool names_speculation(const std::string& text);

}  // namespace tokwatt::cli
