// A model that is hosted elsewhere: its prices on the day, and how quickly it answers.
#include <fmt/format.h>

#include <algorithm>

#include "scenarios/dates.hpp"
#include "scenarios/resolve.hpp"
#include "scenarios/sheets/price_sheets.hpp"

namespace tokwatt::scenarios {

namespace {

/// Of hosted models in general; nobody publishes it for each (docs/theory/hosted.md).
const sim::Distribution kUsualTtft{sim::Lognormal{0.6, 3.0}, {}, {}};
const sim::Distribution kUsualSpeed{sim::Constant{80}, {}, {}};

/// What only a deployment on a box of one's own has.
void check_alone(const WrittenDeployment& w, const std::string& path, Resolution& r) {
  for (const auto& key : w.keys) {
    if (key == "api") continue;
    r.diagnostics.error(w.place, fmt::format("{0}.{1} stands beside {0}.api; expected one of them: a hosted model has "
                                             "nothing else of its own",
                                             path, key));
  }
}

sim::Hosted::Price price_of(const money::Api& api, const WrittenApi& w, const std::string& path, Resolution& r) {
  const auto start = date_and_time(r.written.start.value);
  const money::TokenPrices* prices =
      start ? money::prices_on(api, std::chrono::floor<std::chrono::days>(*start)) : &api.prices.back().prices;
  if (!prices) {
    r.diagnostics.error(w.sheet.place, fmt::format("{}.sheet: {} has no price on {} yet", path, api.id,
                                                   r.written.start.value.substr(0, 10)));
    return {};
  }
  sim::Hosted::Price price{prices->input, prices->output, std::nullopt};
  if (prices->cached < prices->input) price.cached = prices->cached;
  return price;
}

std::optional<double> limit(const std::optional<int64_t>& written, const std::optional<int64_t>& of_sheet) {
  const auto& known = written ? written : of_sheet;
  return known ? std::optional(static_cast<double>(*known)) : std::nullopt;
}

/// What is free by the month is spread over the days of a plan.
std::vector<sim::Hosted::Free> free_of(const money::FreeTier& tier, const Resolution& r) {
  constexpr double kDay = 86'400, kMonth = money::kHoursOfMonth * 3600;
  const auto& plan = r.written.plan;
  std::vector<sim::Hosted::Free> out;
  const auto add = [&](const std::optional<int64_t>& units, bool is_of_requests, double share, double span) {
    if (units) out.push_back({is_of_requests, static_cast<double>(*units) * share, sim::picoseconds(span)});
  };
  const double share = plan ? 1 / plan->days_per_month : 1, month = plan ? kDay : kMonth;
  add(tier.requests_per_day, true, 1, kDay);
  add(tier.tokens_per_day, false, 1, kDay);
  add(tier.requests_per_month, true, share, month);
  add(tier.tokens_per_month, false, share, month);
  return out;
}

}  // namespace

void resolve_hosted(const WrittenDeployment& w, const std::string& path, sim::Deployment& d, Resolution& r) {
  check_alone(w, path, r);
  d.systems.clear();
  const WrittenApi& api = *w.api;
  if (!api.sheet.given()) return;
  const auto* speed = api.speed ? std::get_if<sim::Constant>(&api.speed->shape) : nullptr;
  if (speed && speed->value < sim::Hosted::kLeastSpeed) {
    r.diagnostics.error(api.place, fmt::format("{}.api.speed is {}/s; expected at least {}/s", path, speed->value,
                                               sim::Hosted::kLeastSpeed));
  }
  const auto sheet = open_sheet(SheetKind::api, api.sheet, path + ".api.sheet", r.folder, r.diagnostics);
  if (!sheet) return;
  const auto read = read_api(*sheet, r.diagnostics);
  carry(r, "apis/" + sheet->id, read);
  if (read.value.prices.empty()) return;  // what is wrong is reported
  sim::Hosted hosted;
  hosted.id = read.value.id;
  hosted.title = read.value.title;
  hosted.price = price_of(read.value, api, path + ".api", r);
  hosted.ttft = api.ttft.value_or(kUsualTtft);
  hosted.speed = api.speed.value_or(kUsualSpeed);
  hosted.requests_per_minute = limit(api.requests_per_minute, read.value.rate_limits.requests_per_minute);
  hosted.tokens_per_minute = limit(api.tokens_per_minute, read.value.rate_limits.tokens_per_minute);
  hosted.free = free_of(api.free_tier ? *api.free_tier : read.value.free_tier, r);
  if (!api.ttft) r.loaded.assumed.push_back(fmt::format("{}: ttft", hosted.id));
  if (!api.speed) r.loaded.assumed.push_back(fmt::format("{}: speed", hosted.id));
  d.hosted = std::move(hosted);
}

}  // namespace tokwatt::scenarios
