// tokwatt compare: one scenario on several boxes, side by side.
#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "scenarios/cli/compare_table.hpp"

namespace tokwatt::cli {
namespace {

Options compare_options() {
  Options options({"tokwatt compare scenarios/twelve-people-on-a-spark.yaml --system spark,m3-ultra-512,strix-halo",
                   "tokwatt compare SCENARIO --system A,B,C [--api X,Y] [--of NAME] [--set key=value]... [--interval] "
                   "[-o table|json]",
                   "Simulates a scenario on several boxes with the same seed, and shows them side by side with what "
                   "limits each. Where the scenario's engine does not run on a box, the first that does is taken, as "
                   "tokwatt fit has them, and named.",
                   "a scenario file"});
  options.value("system", "boxes: ids, aliases or paths to sheets, with commas between")
      .value("of", "which of the scenario's systems they stand for; needed where it has several")
      .value("api", "APIs to price the same tokens at, as on the day of the scenario: ids (tokwatt list apis) or paths")
      .values("set", "change a key of the scenario, as tokwatt run has it")
      .flag("interval",
            "differences with intervals of 90 %, from 16 draws from what is not known of engines and boxes; takes 17 "
            "times "
            "as long")
      .value("output,o", "table (default) or json");
  return options;
}

}  // namespace

int compare(const Arguments& arguments, const Terminal& terminal) {
  Options options = compare_options();
  if (!options.read(arguments, terminal)) return kDone;
  const bool as_json = options.choice("output", {"table", "json"}) == "json";
  if (!options.has("system")) throw UsageError("expected --system and boxes to compare, such as spark,m3-ultra-512");
  const auto names = comma_separated(options.get("system"), "system");
  const auto question = question_of(options);
  std::vector<ComparedApi> apis;
  if (options.has("api")) apis = apis_of(question, comma_separated(options.get("api"), "api"));
  const auto boxes = compared_boxes(question, options.get("of"), names, options.has("interval"));
  const auto* title = question.tree.find("title");
  terminal.out << (as_json ? compare_json(boxes, apis).dump(2) + "\n"
                           : compare_table(title ? title->scalar : "", boxes, apis, terminal));
  const auto runs = [](const ComparedBox& box) { return box.answer.status == scenarios::Status::ok; };
  return std::any_of(boxes.begin(), boxes.end(), runs) ? kDone : kInfeasible;
}

}  // namespace tokwatt::cli
