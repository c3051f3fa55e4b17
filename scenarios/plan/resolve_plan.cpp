// A plan as it is written, checked.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "scenarios/dates.hpp"
#include "scenarios/plan/planning.hpp"
#include "scenarios/resolve.hpp"
#include "scenarios/sheets/price_sheets.hpp"
#include "sim/heat/idle_power.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr double kDay = 86'400, kHour = 3600;
constexpr double kMostLoad = 100;        // times the first month's; a day of it is simulated
constexpr double kMostWorkingDays = 23;  // of a month
constexpr double kResaleSpread = 0.1;    // of what a sheet says is left after a year: assumed

using std::chrono::year_month_day;

/// "+40 %", "-10 %", "x1.4".
std::optional<double> factor_of(const std::string& text) {
  const bool signed_percent = !text.empty() && (text[0] == '+' || text[0] == '-') && text.back() == '%';
  const bool times = !text.empty() && text[0] == 'x';
  if (!signed_percent && !times) return std::nullopt;
  const auto parsed = parse_number(signed_percent ? text.substr(1, text.size() - 2) : text.substr(1));
  const auto* number = std::get_if<double>(&parsed);
  if (!number || *number < 0) return std::nullopt;
  const double factor = times ? *number : 1 + (text[0] == '+' ? 1 : -1) * *number / 100;
  return factor >= 0 && factor <= 1000 ? std::optional(factor) : std::nullopt;
}

class PlanResolver {
 public:
  PlanResolver(const WrittenPlan& w, Resolution& r) : w_(w), r_(r), start_(date_and_time(r.written.start.value)) {}

  void resolve() {
    const std::size_t before = r_.diagnostics.reported();
    take_what_it_has();
    take_numbers();
    take_shocks();
    take_day();
    take_price();
    take_resale();
    take_against();
    take_wait();
    if (r_.diagnostics.reported() > before || !r_.diagnostics.ok()) return;
    take_seasons();
    r_.loaded.planning = std::make_shared<Planning>(std::move(out_));
  }

 private:
  void error(const Place& place, const std::string& what) { r_.diagnostics.error(place, what); }
  void error(const std::string& what) { error(w_.place, what); }
  bool w_has(const char* key) const { return std::find(w_.keys.begin(), w_.keys.end(), key) != w_.keys.end(); }

  /// What is bought and what is not; and what only makes sense for the first.
  void take_what_it_has() {
    const auto rented = [](const auto& system) { return system.value.rental.given(); };
    const auto& systems = r_.written.systems;
    const auto& deployments = r_.written.deployments;
    out_.rents = std::any_of(systems.begin(), systems.end(), rented);
    out_.buys = !std::all_of(systems.begin(), systems.end(), rented);
    out_.has_hosted = std::any_of(deployments.begin(), deployments.end(), [](const auto& d) { return d.value.api; });
    if (out_.buys) return;
    for (const char* key : {"financing", "resale", "resale_follows", "hardware_growth", "electricity_growth", "cooling",
                            "power_between", "energy_spread", "wait"}) {
      if (w_has(key)) error(fmt::format("plan.{} is of boxes that are bought; the scenario has none", key));
    }
  }

  void take_numbers() {
    money::Plan& plan = out_.plan;
    plan.months = static_cast<int>(w_.months);
    plan.days_per_month = w_.days_per_month;
    plan.growth = w_.growth;
    plan.electricity_growth = w_.electricity_growth;
    plan.hardware_growth = w_.hardware_growth;
    plan.follows_replacement = w_.resale_follows.value != "purchase";
    plan.cooling = w_.cooling;
    plan.discount = w_.discount;
    plan.power_between = power_between();
    plan.energy_spread = {w_.energy_spread, w_.energy_spread};
    out_.spread_is_written = w_has("energy_spread");
    plan.rent = r_.rent;
    plan.rents_whole_months = w_.rent.value == "month";
    if (w_.financing) plan.financing = money::Loan{w_.financing->rate, static_cast<int>(w_.financing->months)};
    const double most = money::load_of(plan, plan.months);
    if (most > kMostLoad)
      error(fmt::format("plan.growth makes {:.3g} times the requests by month {}; expected at most {:g} times", most,
                        plan.months, kMostLoad));
  }

  /// "30 W", or what those boxes draw that are bought and stay on.
  double power_between() {
    constexpr double kMost = 1e7;  // [W]
    const Text& text = w_.power_between;
    if (!text.given()) return 0;
    if (text.value == "idle") {
      double sum = 0;
      for (const auto& system : r_.loaded.input.systems) {
        const bool is_known = !system.box.id.empty() && r_.diagnostics.ok();
        if (is_known && !system.is_rented) sum += sim::idle_wall_power(system, r_.loaded.input.ambient);
      }
      return sum;
    }
    const auto parsed = parse_quantity(text.value, Dimension::power);
    const auto* watts = std::get_if<double>(&parsed);
    if (watts && *watts >= 0 && *watts <= kMost) return *watts;
    const auto* bad = std::get_if<NotAQuantity>(&parsed);
    error(text.place, fmt::format("plan.power_between is {}{}; expected a power such as \"30 W\", or idle",
                                  in_quotes(text.value), bad ? bad->why : ""));
    return 0;
  }

  double factor(const Text& text, const char* key) {
    if (!text.given()) return 1;
    const auto read = factor_of(text.value);
    if (!read)
      error(text.place, fmt::format("{} of a shock is {}; expected a change such as \"+40 %\", \"-10 %\" or \"x2\"",
                                    key, in_quotes(text.value)));
    return read.value_or(1);
  }

  void take_shocks() {
    for (const auto& shock : w_.shocks) {
      if (shock.month > w_.months)
        error(shock.place,
              fmt::format("a shock in month {} of a plan of {}; expected one within it", shock.month, w_.months));
      if (!shock.hardware.given() && !shock.electricity.given() && !shock.api.given() && !shock.rent.given())
        error(shock.place, "a shock of nothing; expected hardware, electricity, api or rent");
      out_.plan.shocks.push_back({static_cast<int>(shock.month), factor(shock.hardware, "hardware"),
                                  factor(shock.electricity, "electricity"), factor(shock.api, "api"),
                                  factor(shock.rent, "rent")});
      check_meets(shock.hardware, "hardware", out_.buys, "bought");
      check_meets(shock.electricity, "electricity", out_.buys, "bought");
      check_meets(shock.rent, "rent", out_.rents, "rented");
    }
  }
  void check_meets(const Text& factor, const char* key, bool meets, const char* boxes) {
    if (factor.given() && !meets)
      error(factor.place, fmt::format("{} of a shock is of boxes that are {}; the scenario has none", key, boxes));
  }

  /// The run is a day, or some days one after the other.
  void take_day() {
    if (!r_.written.duration) {
      if (r_.written.until.given()) error("plan needs a duration, its day; until: drained has none");
      return;
    }
    out_.duration = *r_.written.duration;
    const auto& streams = r_.written.workload;
    out_.has_trace = std::any_of(streams.begin(), streams.end(), [](const auto& s) { return s.trace.given(); });
    for (const auto& stream : r_.written.workload) {
      if (const auto& users = users_of(stream)) out_.users.push_back({stream.name.value, *users});
    }
    out_.days = std::max(static_cast<int>(std::lround(out_.duration / kDay)), 1);
    if (out_.duration > kDay && out_.duration != out_.days * kDay) {
      return error(
          fmt::format("plan has a run of {:.6g} h; expected a day of at most 24 h, or whole days, such as {} h",
                      out_.duration / kHour, 24 * out_.days));
    }
    const double hours = out_.duration / out_.days / kHour;
    if (hours * w_.days_per_month > money::kHoursOfMonth * (1 + 1e-9))
      error(fmt::format("plan.days_per_month x {:.3g} h are more than a month's {} h", hours, money::kHoursOfMonth));
  }

  void take_price() {
    if (out_.buys && !r_.loaded.input.prices.electricity && r_.diagnostics.ok())
      error("plan needs a price of electricity; expected prices.electricity or a tariff");
    for (const auto& system : r_.loaded.input.systems) {
      if (system.is_rented) continue;
      const auto& price = system.box.price;
      if (std::isnan(price.purchase) && !system.box.id.empty())  // else its sheet was not found
        error(
            fmt::format("plan needs the price of {}, which its sheet does not say; expected prices.hardware or "
                        "systems.{}.price",
                        system.box.id, path_segment(system.name)));
      out_.price += price.paid() * static_cast<double>(system.count);
    }
  }

  void take_resale() {
    auto& points = out_.plan.resale;
    for (const auto& point : w_.resale) {
      if (point.low > point.high) error(point.place, "low of a resale is above its high");
      if (!points.empty() && static_cast<double>(point.month) <= points.back().month)
        error(point.place, "a resale's month is not after the one before; expected the earliest first");
      points.push_back({static_cast<double>(point.month), {(point.low + point.high) / 2, point.low, point.high}});
    }
    if (!points.empty() || out_.price <= 0 || !r_.diagnostics.ok()) return;
    for (int month = 1; month <= out_.plan.months; ++month)
      points.push_back({static_cast<double>(month), left_after(month * money::kHoursOfMonth * kHour)});
  }

  /// What is left of all boxes at some age, as a share of their price. A share that the scenario gives is taken as it
  /// is; what a sheet says that they lose in a year is not known so well.
  money::Estimate left_after(double age) {
    money::Estimate left;
    for (const auto& system : r_.loaded.input.systems) {
      if (system.is_rented) continue;
      const double part = system.box.price.paid() * static_cast<double>(system.count) / out_.price;
      const auto at = [&](double more) {
        auto price = system.box.price;
        price.resale_per_year = std::clamp(price.resale_per_year + more, 0.0, 1.0);
        return part * price.left(age, r_.loaded.input.prices.horizon);
      };
      out_.resale_is_assumed = out_.resale_is_assumed || std::isnan(system.box.price.resale_fraction);
      left = {left.value + at(0), left.low + at(-kResaleSpread), left.high + at(kResaleSpread)};
    }
    return left;
  }

  year_month_day day_of_month(int month) const {
    const year_month_day first{std::chrono::floor<std::chrono::days>(*start_)};
    return first + std::chrono::months(month - 1);
  }

  void take_api(const Text& name) {
    const auto raw = open_sheet(SheetKind::api, name, "plan.against", r_.folder, r_.diagnostics);
    if (!raw) return;
    const std::size_t before = r_.diagnostics.reported();
    const auto sheet = read_api(*raw, r_.diagnostics);
    if (r_.diagnostics.reported() > before) return;
    Rival rival{sheet.value.id, {}, sheet.value.free_tier, {}};
    for (int month = 1; month <= out_.plan.months; ++month) {
      const auto* prices =
          start_ ? money::prices_on(sheet.value, day_of_month(month)) : &sheet.value.prices.back().prices;
      if (!prices) {
        error(name.place, fmt::format("{} has no price yet at the start, {}", sheet.value.id, r_.written.start.value));
        return;
      }
      rival.prices.push_back(*prices);
    }
    carry(r_, "apis/" + sheet.value.id, sheet);
    out_.against.push_back(std::move(rival));
  }

  void take_rental(const Text& name) {
    const auto raw = open_sheet(SheetKind::rental, name, "plan.against", r_.folder, r_.diagnostics);
    const auto sheet = read_rental(*raw, r_.diagnostics);
    carry(r_, "rentals/" + sheet.value.id, sheet);
    const auto& systems = r_.written.systems;
    const bool is_own = !out_.has_hosted && std::all_of(systems.begin(), systems.end(), [&](const auto& system) {
      return system.value.rental.value == sheet.value.id;
    });
    out_.against.push_back({sheet.value.id, {}, {}, sheet.value, is_own});
  }

  void take_against() {
    for (const auto& name : w_.against) {
      const std::size_t before = r_.diagnostics.reported();
      if (shipped_id(SheetKind::rental, name.value)) {
        take_rental(name);
      } else if (shipped_id(SheetKind::api, name.value) || name.value.find_first_of("/.") != std::string::npos) {
        take_api(name);
      } else {
        auto known = ids(SheetKind::api);
        for (const auto& id : ids(SheetKind::rental)) known.push_back(id);
        const std::string hint = did_you_mean(name.value, known);
        error(name.place, fmt::format("plan.against is {}; no API or rental has this name{}", in_quotes(name.value),
                                      hint.empty() ? "; see tokwatt list apis and tokwatt list rentals" : hint));
      }
      const auto& rivals = out_.against;
      if (r_.diagnostics.reported() > before || rivals.empty()) continue;
      const auto same = [&](const Rival& rival) { return rival.name == rivals.back().name; };
      if (std::count_if(rivals.begin(), rivals.end(), same) > 1)
        error(name.place, fmt::format("plan.against has {} twice", rivals.back().name));
    }
  }

  void take_wait() {
    if (w_.wait.empty()) return;
    const bool an_api =
        std::any_of(out_.against.begin(), out_.against.end(), [](const Rival& rival) { return !rival.rental; });
    if (!an_api && r_.diagnostics.ok())
      error("plan.wait needs somebody who answers meanwhile; expected an API under plan.against");
    for (const double months : w_.wait) {
      if (months != std::floor(months) || months >= static_cast<double>(w_.months))
        error(
            fmt::format("plan.wait holds {:g}; expected whole months, fewer than plan.months ({})", months, w_.months));
      out_.wait.push_back(static_cast<int>(months));
    }
  }

  void take_seasons() {
    const auto all_months = static_cast<std::size_t>(out_.plan.months);
    out_.season.assign(all_months, 1.0);
    if (!r_.tariff || !start_) {  // the timeline's prices are of its hours, not of those between the runs
      if (const auto price = r_.loaded.input.prices.electricity) out_.between.assign(all_months, *price);
      return;
    }
    const double of_run = money::mean_price(*r_.tariff, *start_, whole(out_.duration));
    const auto time_of_day = *start_ - std::chrono::floor<std::chrono::days>(*start_);
    const bool weekdays = out_.plan.days_per_month <= kMostWorkingDays;
    for (int month = 1; month <= out_.plan.months; ++month) {
      const auto day = day_of_month(month);
      const int64_t seconds = whole(out_.duration / out_.days);
      const auto of = [&](auto mean) {
        return mean(*r_.tariff, day.year() / day.month(), time_of_day, seconds, weekdays);
      };
      const double of_month = of(money::mean_price_in_month);
      if (of_run > 0) {
        out_.season[static_cast<std::size_t>(month - 1)] = of_month / of_run;
      } else {
        out_.of_days.push_back(of_month);
      }
      out_.between.push_back(of(money::mean_price_outside));
    }
  }
  static int64_t whole(double seconds) { return std::max<int64_t>(std::llround(seconds), 1); }

  const WrittenPlan& w_;
  Resolution& r_;
  std::optional<std::chrono::sys_seconds> start_;
  Planning out_;
};

}  // namespace

void resolve_plan(Resolution& r) {
  if (r.written.plan) PlanResolver(*r.written.plan, r).resolve();
}

}  // namespace tokwatt::scenarios
