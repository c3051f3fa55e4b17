// tokwatt explain: where each second and joule of a run went, and what would help most.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scenarios/cli/explained.hpp"
#include "scenarios/cli/layout.hpp"
#include "scenarios/cli/options.hpp"
#include "scenarios/diagnostics.hpp"
#include "sim/results/read_file.hpp"

namespace tokwatt::cli {
namespace {

using Json = nlohmann::ordered_json;

Options explain_options() {
  Options options({"tokwatt explain results/people.h5", "tokwatt explain RESULTS [-o table|json]",
                   "Reads the results file of a run and says where a request's time, the box's time and the energy "
                   "went, and what could save how much of a request's time at most.",
                   "a results file"});
  options.value("output,o", "table (default) or json");
  return options;
}

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  scenarios::Diagnostics diagnostics;
  const auto source = std::make_shared<scenarios::Source>(scenarios::Source{path, ""});
  diagnostics.error({source, 0, 0, 1}, why);
  throw scenarios::InputError(diagnostics);
}

std::vector<Explained> explanations(const std::string& path) {
  if (const auto why = scenarios::why_no_file(path); !why.empty()) refuse(path, "cannot be read: " + why);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) refuse(path, "there is no such file");
  try {
    const sim::ResultsFile file(path);
    const auto text = file.text("summary_json");
    return explained(text ? Json::parse(*text, nullptr, /*allow_exceptions=*/false) : Json(),
                     [&](const std::string& column) { return file.numbers(column); });
  } catch (const std::runtime_error& error) {
    refuse(path, error.what());
  }
}

std::string portions(const std::vector<Portion>& list, double whole, std::string (*shown)(double)) {
  Columns table("lrrl", 2);
  for (const auto& portion : list) {
    const double share = whole > 0 ? portion.amount / whole : 0;
    table.row({portion.name, shown(portion.amount), percent(share), portion.what});
  }
  return table.text();
}

std::string table_of(const Explained& e, const Terminal& terminal) {
  std::string out = terminal.heading(e.name) + "\n";
  out += fmt::format("A request took {} on average:\n{}\n", duration(e.request),
                     portions(e.requests, e.request, duration));
  if (e.energy > 0) {
    out += fmt::format("The run lasted {}:\n{}\n", span(e.span), portions(e.box, e.span, duration));
    out += fmt::format("The wall gave {}:\n{}\n", energy(e.energy), portions(e.joules, e.energy, energy));
  } else {
    out += "It is hosted elsewhere: nothing is known of what its provider's machines did.\n";
  }
  if (!e.helps.empty()) out += "What would save how much of a request's time, in the same company:\n";
  Columns helps("rl", 2);
  for (const auto& help : e.helps) {
    if (help.at_most >= 0.005) helps.row({percent(help.at_most), help.what});
  }
  out += helps.text();
  for (const auto& missing : e.missing) out += wrapped("Not told: " + missing) + "\n";
  return out;
}

Json json_of(const Explained& e) {
  const auto list = [](const std::vector<Portion>& portions) {
    Json out = Json::object();
    for (const auto& portion : portions) out[portion.name] = portion.amount;
    return out;
  };
  Json out = {
      {"request_s", e.request}, {"request_by", list(e.requests)}, {"span_s", e.span},       {"box_by", list(e.box)},
      {"energy_j", e.energy},   {"energy_by", list(e.joules)},    {"helps", Json::array()}, {"missing", e.missing}};
  for (const auto& help : e.helps) out["helps"].push_back({{"what", help.what}, {"at_most", help.at_most}});
  return out;
}

}  // namespace

int explain(const Arguments& arguments, const Terminal& terminal) {
  Options options = explain_options();
  if (!options.read(arguments, terminal)) return kDone;
  const bool as_json = options.choice("output", {"table", "json"}) == "json";
  if (options.arguments().size() > 1)
    throw UsageError(fmt::format("unexpected {}; one file at a time", scenarios::in_quotes(options.arguments()[1])));
  const auto all = explanations(options.arguments().front());
  Json json = Json::object();
  for (std::size_t i = 0; i < all.size(); ++i) {
    json[all[i].name] = json_of(all[i]);
    if (!as_json) terminal.out << (i > 0 ? "\n" : "") << table_of(all[i], terminal);
  }
  if (as_json) terminal.out << json.dump(2) << "\n";
  return kDone;
}

}  // namespace tokwatt::cli
