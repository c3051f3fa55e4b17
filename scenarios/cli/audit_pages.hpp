#pragma once
// What `tokwatt audit` prints.
#include <string>
#include <vector>

#include "scenarios/cli/audit_answer.hpp"
#include "scenarios/cli/program.hpp"

namespace tokwatt::cli {

struct Audited {
  Claim claim;
  Answer answer;
};

std::string audit_table(const std::vector<Audited>& audited, const Terminal& terminal);
std::string audit_json(const std::vector<Audited>& audited);
/// A page: what was found, then every claim with its arithmetic.
std::string audit_markdown(const std::vector<Audited>& audited);

}  // namespace tokwatt::cli
