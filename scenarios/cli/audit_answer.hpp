#pragma once
// What the audit says of one claim.
#include <string>
#include <utility>
#include <vector>

#include "scenarios/cli/audit_claims.hpp"

namespace tokwatt::cli {

enum class Verdict { impossible, implausible, possible, not_checkable };
const char* name(Verdict verdict);

struct Answer {
  Verdict verdict = Verdict::not_checkable;
  std::string why;                      ///< a sentence: the bound, by how much, or why it cannot be checked
  std::vector<std::string> arithmetic;  ///< of what bounds it, two lines at most
  std::string unless;                   ///< what would make it true; empty: nothing, or it needs nothing
  std::string read_as;                  ///< what the names were taken to mean
  double excess = 1;                    ///< how far the claim is from what was found, as a factor
};

Answer not_checkable(std::string why);

/// One answer for a claim whose names may mean several things: theirs where they agree (the mildest where all refute
/// it), else not checkable, with what each of them comes to.
Answer agreed(const std::vector<std::pair<std::string, Answer>>& by_reading);
/// One answer for a claim that is true of a name if it is true of one of its variants (a capacity, a price).
Answer of_any(const std::vector<std::pair<std::string, Answer>>& by_reading);

/// How far a figure of a sheet may be relied on when it says that more cannot be (docs/audit.md).
struct Trust {
  double factor = 1;    ///< a claim is beyond the figure when it is above so many times it
  bool is_hard = true;  ///< false: an assumption, which makes nothing impossible
};
Trust trust_in(const std::string& confidence);

/// "55", "55 to 65", "at least 900", "at most 30", with the unit.
std::string value_text(const Claim& claim);
std::string range_text(double low, double high, const std::string& unit);
/// "2.3 times", "12 %" (of what exceeds 1): how much more one is than another.
std::string times(double factor);

}  // namespace tokwatt::cli
