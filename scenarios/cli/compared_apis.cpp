#include "scenarios/cli/compared_apis.hpp"

#include <fmt/format.h>

#include "scenarios/dates.hpp"
#include "scenarios/sheets/price_sheets.hpp"
#include "scenarios/sheets/sheets.hpp"

namespace tokwatt::cli {

std::vector<ComparedApi> apis_of(const Question& question, const std::vector<std::string>& names) {
  std::vector<ComparedApi> out;
  scenarios::Diagnostics diagnostics;
  const auto* start = question.tree.find("start");
  const auto day = start ? scenarios::date(start->scalar.substr(0, 10)) : std::nullopt;
  for (const auto& name : names) {
    const auto sheet = scenarios::open_sheet(scenarios::SheetKind::api, {scenarios::path_from_here(name), {}}, "--api",
                                             question.folder, diagnostics);
    if (!sheet) continue;
    const std::size_t before = diagnostics.reported();
    const auto api = scenarios::read_api(*sheet, diagnostics).value;
    if (diagnostics.reported() > before) continue;
    const auto* prices = day ? money::prices_on(api, *day) : &api.prices.back().prices;
    if (!prices) {
      diagnostics.error(start->place, fmt::format("{} has no price yet on that day", api.id));
      continue;
    }
    out.push_back({api.id, *prices, api.free_tier});
  }
  if (!diagnostics.ok()) throw scenarios::InputError(diagnostics);
  return out;
}

}  // namespace tokwatt::cli
