// tokwatt schema: what editors complete and check scenarios by.
#include <ostream>

#include "scenarios/cli/options.hpp"
#include "scenarios/read/schema.hpp"

namespace tokwatt::cli {

int schema(const Arguments& arguments, const Terminal& terminal) {
  Options options(
      {"tokwatt schema > docs/schema/scenario.schema.json", "tokwatt schema [--of scenario|study]",
       "Prints the JSON schema (draft-07) of scenario files, or of study files. The first line of such a file names it "
       "for editors: # yaml-language-server: $schema=...",
       ""});
  options.value("of", "scenario (default) or study");
  if (!options.read(arguments, terminal)) return kDone;
  const bool of_studies = options.choice("of", {"scenario", "study"}) == "study";
  terminal.out << (of_studies ? scenarios::study_schema_text() : scenarios::scenario_schema_text());
  return kDone;
}

}  // namespace tokwatt::cli
