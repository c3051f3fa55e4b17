#include "scenarios/sheets/price_sheets.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "scenarios/dates.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

const char* month_name(int month) { return kMonths[static_cast<std::size_t>(month - 1)]; }

/// Reads the keys of a sheet that has no base and no overrides.
template <class Declared, class T>
Declared read_declared(const RawSheet& raw, Sheet<T>& out, Diagnostics& diagnostics) {
  Declared declared;
  Reader({diagnostics, true, "", {origin_of(raw, "")}, &out.numbers, {}}).read(raw.root, declared);
  out.source = raw.source;
  out.head = declared.head;
  return declared;
}

std::string title_of(const Head& head) { return head.title.given() ? head.title.value : head.id.value; }

/// Two whole numbers, or none.
bool is_span(const std::vector<double>& span) {
  return span.empty() || (span.size() == 2 && span[0] == std::floor(span[0]) && span[1] == std::floor(span[1]));
}

std::optional<money::TariffRule> rule_of(const WrittenRule& w, const std::string& path, Diagnostics& diagnostics) {
  const std::size_t before = diagnostics.reported();
  if (!is_span(w.hours) || (w.hours.size() == 2 && (w.hours[0] == w.hours[1] || w.hours[0] == 24 || w.hours[1] == 0)))
    diagnostics.error(
        w.place,
        path +
            ".hours is no span; expected two whole hours such as [16, 21] or [23, 7]; midnight is 0 where a span "
            "begins and 24 where it ends");
  if (!is_span(w.months))
    diagnostics.error(w.place, path + ".months is no span; expected two whole months such as [6, 9] or [10, 5]");
  if (diagnostics.reported() > before) return std::nullopt;
  money::TariffRule rule;
  rule.price = w.price;
  if (!w.hours.empty()) {
    rule.from_hour = static_cast<int>(w.hours[0]);
    rule.to_hour = static_cast<int>(w.hours[1]);
  }
  if (!w.months.empty()) {
    rule.first_month = static_cast<int>(w.months[0]);
    rule.last_month = static_cast<int>(w.months[1]);
  }
  if (w.days.value == "weekdays") rule.days = money::Days::weekdays;
  if (w.days.value == "weekends") rule.days = money::Days::weekends;
  return rule;
}

/// A price in another currency than the sheet's would be taken for the sheet's.
void check_currency(const TariffRead& sheet, const std::string& currency, Diagnostics& diagnostics) {
  for (const auto& number : sheet.numbers) {
    if (number.text.find(currency + "/") == std::string::npos)
      diagnostics.error(number.place, fmt::format("{} is {}; expected a price in {}, the currency of the tariff",
                                                  number.path, in_quotes(number.text), currency));
  }
}

void check_date(const Text& month, const std::string& path, Diagnostics& diagnostics) {
  if (!date(month.value + "-01"))
    diagnostics.error(month.place,
                      fmt::format("{} is {}; expected a month such as \"2026-05\"", path, in_quotes(month.value)));
}

}  // namespace

std::optional<money::Tariff> tariff_of(const std::vector<const WrittenRule*>& rules, const std::string& path,
                                       Diagnostics& diagnostics) {
  const std::size_t before = diagnostics.reported();
  money::Tariff tariff;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (const auto rule = rule_of(*rules[i], fmt::format("{}.{}", path, i), diagnostics)) tariff.rules.push_back(*rule);
  }
  if (diagnostics.reported() > before || tariff.rules.empty()) return std::nullopt;
  if (const auto gap = money::first_gap(tariff)) {
    diagnostics.error(rules.back()->place,
                      fmt::format("{} has no price for {}s in {} from {}:00 on; expected a last rule that always holds",
                                  path, gap->weekend ? "weekend" : "weekday", month_name(gap->month), gap->hour));
    return std::nullopt;
  }
  if (const auto idle = money::first_idle_rule(tariff)) {
    diagnostics.error(rules[*idle]->place,
                      fmt::format("{}.{} is never the price: the first rule that holds is, and one before it always "
                                  "does; expected it further up",
                                  path, *idle));
    return std::nullopt;
  }
  return tariff;
}

std::vector<std::string> in_words(const money::Tariff& tariff) {
  std::vector<std::string> out;
  for (const auto& rule : tariff.rules) {
    std::vector<std::string> when;
    if (rule.first_month != 1 || rule.last_month != 12)
      when.push_back(fmt::format("{} to {}", month_name(rule.first_month), month_name(rule.last_month)));
    if (rule.from_hour != 0 || rule.to_hour != 24)
      when.push_back(fmt::format("{} to {} h", rule.from_hour, rule.to_hour));
    if (rule.days != money::Days::all) when.emplace_back(rule.days == money::Days::weekdays ? "weekdays" : "weekends");
    const std::string otherwise = out.empty() ? "always" : "else";
    out.push_back(fmt::format("{}: {:.6g} {}/kWh", when.empty() ? otherwise : fmt::format("{}", fmt::join(when, ", ")),
                              rule.price * 3.6e6, tariff.currency));
  }
  return out;
}

std::vector<std::string> in_words(const money::Api& api) {
  std::vector<std::string> out;
  for (const auto& price : api.prices) {
    const std::string when =
        price.from ? fmt::format("from {:04}-{:02}-{:02} on", static_cast<int>(price.from->year()),
                                 static_cast<unsigned>(price.from->month()), static_cast<unsigned>(price.from->day()))
                   : "from the beginning";
    out.push_back(fmt::format("prices.{}: {}", out.size(), when));
  }
  return out;
}

TariffRead read_tariff(const RawSheet& raw, Diagnostics& diagnostics) {
  TariffRead out;
  const std::size_t before = diagnostics.reported();
  const auto declared = read_declared<TariffSheet>(raw, out, diagnostics);
  if (diagnostics.reported() > before) return out;
  check_currency(out, declared.currency.value, diagnostics);
  std::vector<const WrittenRule*> rules;
  for (const auto& rule : declared.rules) rules.push_back(&rule);
  if (auto tariff = tariff_of(rules, "rules", diagnostics)) out.value = std::move(*tariff);
  out.value.id = declared.head.id.value;
  out.value.currency = declared.currency.value;
  return out;
}

ApiRead read_api(const RawSheet& raw, Diagnostics& diagnostics) {
  ApiRead out;
  const std::size_t before = diagnostics.reported();
  const auto declared = read_declared<ApiSheet>(raw, out, diagnostics);
  if (diagnostics.reported() > before) return out;
  out.value.id = declared.head.id.value;
  out.value.title = title_of(declared.head);
  out.value.provider = declared.provider.value;
  out.value.model = declared.model.value;
  out.value.rate_limits = declared.rate_limits;
  out.value.free_tier = declared.free_tier;
  for (const auto& written : declared.prices) {
    money::ApiPrice price{{}, {written.input, written.cached.value_or(written.input), written.output}};
    const auto& known = out.value.prices;
    if (written.from.given()) {
      price.from = date(written.from.value);
      if (!price.from)
        diagnostics.error(written.from.place, fmt::format("from is {}; expected a day such as \"2026-07-30\"",
                                                          in_quotes(written.from.value)));
    } else if (!known.empty()) {
      diagnostics.error(written.place,
                        "from is missing; expected the day from which these prices took the place of "
                        "those before");
    }
    if (price.from && !known.empty() && known.back().from && *known.back().from >= *price.from)
      diagnostics.error(written.from.place,
                        "from is no later than that of the prices before; expected the oldest first");
    out.value.prices.push_back(price);
  }
  return out;
}

RentalRead read_rental(const RawSheet& raw, Diagnostics& diagnostics) {
  RentalRead out;
  const std::size_t before = diagnostics.reported();
  const auto declared = read_declared<RentalSheet>(raw, out, diagnostics);
  if (diagnostics.reported() > before) return out;
  if (!shipped_id(SheetKind::box, declared.device.value))
    diagnostics.error(declared.device.place,
                      fmt::format("device is {}; no box has this name{}", in_quotes(declared.device.value),
                                  did_you_mean(declared.device.value, ids(SheetKind::box))));
  out.value = {declared.head.id.value, title_of(declared.head), declared.device.value, declared.typical, {}};
  for (const auto& offer : declared.offers) {
    check_date(offer.date, "date", diagnostics);
    if (offer.low > offer.high) diagnostics.error(offer.place, "low is above high");
    out.value.offers.push_back({offer.market.value, offer.low, offer.high});
  }
  return out;
}

}  // namespace tokwatt::scenarios
