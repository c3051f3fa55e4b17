// tokwatt list: what comes with the program.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scenarios/cli/catalog.hpp"
#include "scenarios/cli/layout.hpp"
#include "scenarios/cli/options.hpp"
#include "scenarios/diagnostics.hpp"
#include "scenarios/read/reader.hpp"
#include "scenarios/sheets/price_sheets.hpp"

namespace tokwatt::cli {
namespace {

std::vector<Entry> entries(const std::string& what) {
  if (what == "scenarios") return ready_made_scenarios();
  if (what == "studies") return ready_made_studies();
  if (what == "models") return sheets(scenarios::SheetKind::model);
  if (what == "quants") return sheets(scenarios::SheetKind::quant);
  if (what == "engines") return sheets(scenarios::SheetKind::engine);
  if (what == "links") return sheets(scenarios::SheetKind::link);
  if (what == "tariffs") return sheets(scenarios::SheetKind::tariff);
  if (what == "apis") return sheets(scenarios::SheetKind::api);
  if (what == "rentals") return sheets(scenarios::SheetKind::rental);
  return sheets(scenarios::SheetKind::box);
}

std::string range(double low, double high, const char* unit) {
  return low == high ? fmt::format("{:.4g} {}", low, unit) : fmt::format("{:.4g} to {:.4g} {}", low, high, unit);
}

std::string price_of(const money::Tariff& tariff) {
  const auto cheaper = [](const auto& a, const auto& b) { return a.price < b.price; };
  const auto [low, high] = std::minmax_element(tariff.rules.begin(), tariff.rules.end(), cheaper);
  return range(low->price * 3.6e6, high->price * 3.6e6, (tariff.currency + "/kWh").c_str());
}

std::string price_of(const money::Api& api) {
  const auto& [input, cached, output] = api.prices.back().prices;
  const std::string of_cached = cached < input ? fmt::format(" ({:.4g} cached)", cached * 1e6) : "";
  return fmt::format("{:.4g}{} in, {:.4g} out USD/Mtok", input * 1e6, of_cached, output * 1e6);
}

std::string price_of(const money::Rental& rental) {
  return fmt::format("{:.4g} USD/h, offers from {}", rental.typical * 3600,
                     range(rental.lowest() * 3600, rental.highest() * 3600, "USD/h"));
}

/// What a sheet of prices asks now; empty of any other.
std::string price_in(const std::string& what, const std::string& id) {
  scenarios::Diagnostics reported_where_it_is_used;
  const auto read = [&](scenarios::SheetKind kind, auto reader) {
    const auto raw = scenarios::open_sheet(kind, {id, {}}, "list", "", reported_where_it_is_used);
    return price_of(reader(*raw, reported_where_it_is_used).value);
  };
  if (what == "tariffs") return read(scenarios::SheetKind::tariff, scenarios::read_tariff);
  if (what == "apis") return read(scenarios::SheetKind::api, scenarios::read_api);
  return what == "rentals" ? read(scenarios::SheetKind::rental, scenarios::read_rental) : "";
}

void check(const std::vector<std::string>& arguments) {
  static const std::vector<std::string> kWhat = {"systems", "models", "quants",  "engines",   "links",
                                                 "tariffs", "apis",   "rentals", "scenarios", "studies"};
  if (arguments.size() > 1)
    throw UsageError(fmt::format("unexpected {}; one list at a time", scenarios::in_quotes(arguments[1])));
  const std::string& what = arguments.front();
  if (std::find(kWhat.begin(), kWhat.end(), what) != kWhat.end()) return;
  throw UsageError(fmt::format("there is no list of {}{}\nLists: {}", scenarios::in_quotes(what),
                               scenarios::did_you_mean(what, kWhat), fmt::join(kWhat, ", ")));
}

std::string with_mark(const Entry& entry) { return entry.hypothetical ? entry.title + " (hypothetical)" : entry.title; }

std::string as_json(const std::vector<Entry>& listed) {
  auto out = nlohmann::ordered_json::array();
  for (const auto& entry : listed) {
    out.push_back(
        {{"id", entry.id}, {"aliases", entry.aliases}, {"title", entry.title}, {"hypothetical", entry.hypothetical}});
  }
  return out.dump(2) + "\n";
}

}  // namespace

int list(const Arguments& arguments, const Terminal& terminal) {
  Options options({"tokwatt list systems", "tokwatt list LIST [--all] [-o table]",
                   "Lists what comes with the program: its name, other names it goes by, its title; of prices what "
                   "they are now. LIST "
                   "is systems, models, quants, engines, links, tariffs, apis, rentals, scenarios or studies.",
                   "systems, models, quants, engines, links, tariffs, apis, rentals, scenarios or studies"});
  options.flag("all", "hypothetical ones too: products that cannot be bought")
      .value("output,o", "table (default) or json");
  if (!options.read(arguments, terminal)) return kDone;
  check(options.arguments());
  const std::string& what = options.arguments().front();
  auto listed = entries(what);
  if (!options.has("all")) std::erase_if(listed, [](const Entry& entry) { return entry.hypothetical; });
  if (options.choice("output", {"table", "json"}) == "json") {
    terminal.out << as_json(listed);
    return kDone;
  }
  if (what == "scenarios" || what == "studies") {
    // A path and a title are too long for one line.
    for (const auto& entry : listed) terminal.out << entry.id << "\n    " << wrapped(with_mark(entry), 4) << "\n";
    return kDone;
  }
  Columns table("ll");
  for (const auto& entry : listed) {
    table.row({entry.id, with_mark(entry)});
    if (const auto price = price_in(what, entry.id); !price.empty()) table.row({"", price});
    if (!entry.aliases.empty()) table.row({"", fmt::format("also: {}", fmt::join(entry.aliases, ", "))});
  }
  terminal.out << table.text();
  return kDone;
}

}  // namespace tokwatt::cli
