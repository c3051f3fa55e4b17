// tokwatt schema: what editors complete and check scenarios by.
#include <ostream>

#include "scenarios/cli/options.hpp"
#include "scenarios/read/schema.hpp"

namespace tokwatt::cli {

int schema(const Arguments& arguments, const Terminal& terminal) {
  Options options(
      {"tokwatt schema > docs/schema/scenario.schema.json", "tokwatt schema",
       "Prints the JSON schema (draft-07) of scenario files. The first line of a scenario names it for editors: "
       "# yaml-language-server: $schema=...",
       ""});
  if (!options.read(arguments, terminal)) return kDone;
  terminal.out << scenarios::scenario_schema_text();
  return kDone;
}

}  // namespace tokwatt::cli
