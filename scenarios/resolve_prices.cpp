// What hardware and electricity cost: prices, tariffs, rents.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scenarios/dates.hpp"
#include "scenarios/resolve.hpp"
#include "scenarios/sheets/price_sheets.hpp"

namespace tokwatt::scenarios {
namespace {

bool has(const WrittenPrices& prices, const char* key) {
  return std::find(prices.keys.begin(), prices.keys.end(), key) != prices.keys.end();
}

/// What a device costs per second: of a price as it is written, or of a rental's sheet with its offers.
std::optional<money::Estimate> rent_of(const Text& rental, const std::string& key, Resolution& r) {
  const auto price = parse_quantity(rental.value, Dimension::money_per_time);
  if (const auto* usd = std::get_if<double>(&price)) {
    if (*usd >= 0) return money::Estimate{*usd, *usd, *usd};
    r.diagnostics.error(rental.place,
                        fmt::format("{} is {}; expected a price of at least 0", key, in_quotes(rental.value)));
    return std::nullopt;
  }
  if (const char first = rental.value.empty() ? '0' : rental.value.front();
      first == '-' || (first >= '0' && first <= '9')) {
    r.diagnostics.error(rental.place, fmt::format("{} is {}; expected a price such as \"2.95 USD/h\", or the name of a "
                                                  "rental (tokwatt list rentals)",
                                                  key, in_quotes(rental.value)));
    return std::nullopt;
  }
  const auto raw = open_sheet(SheetKind::rental, rental, key, r.folder, r.diagnostics);
  if (!raw) return std::nullopt;
  const std::size_t before = r.diagnostics.reported();
  const auto sheet = read_rental(*raw, r.diagnostics);
  if (r.diagnostics.reported() > before) return std::nullopt;
  carry(r, "rentals/" + sheet.value.id, sheet);
  return money::Estimate{sheet.value.typical, sheet.value.lowest(), sheet.value.highest()};
}

bool is_rented(const Named<WrittenSystem>& system) { return system.value.rental.given(); }

/// What else says what boxes or their electricity cost, where all of them are rented.
void refuse_beside_rents(Resolution& r) {
  const WrittenPrices& p = r.written.prices;
  for (const char* key : {"electricity", "tariff", "hardware", "resale"}) {
    if (has(p, key))
      r.diagnostics.error(p.place, fmt::format("prices.{} stands beside a rental, whose rent it is part of", key));
  }
  if (!r.written.tariff.empty())
    r.diagnostics.error(r.written.tariff.front().place, "tariff stands beside a rental, whose rent it is part of");
  for (const auto& change : r.written.timeline) {
    for (const auto& [key, value] : change.set) {
      if (key.value == "prices.electricity")
        r.diagnostics.error(key.place, "prices.electricity changes, but the boxes are rented with their electricity");
    }
  }
}

/// A rented box costs its rent by the second, and is worth nothing afterwards.
void resolve_rent(const Named<WrittenSystem>& written, Resolution& r) {
  const std::string path = "systems." + path_segment(written.name);
  if (const Node* price = written.value.tree.find("price"))
    r.diagnostics.error(price->place, fmt::format("{}.price stands beside its rental; expected one of them", path));
  const auto rent = rent_of(written.value.rental, path + ".rental", r);
  auto& systems = r.loaded.input.systems;
  const auto of =
      std::find_if(systems.begin(), systems.end(), [&](const sim::System& s) { return s.name == written.name; });
  if (!rent || of == systems.end()) return;
  of->is_rented = true;
  of->box.price = {.purchase = rent->value * r.loaded.input.prices.horizon};
  const auto devices = static_cast<double>(of->count);
  r.rent = {r.rent.value + rent->value * devices, r.rent.low + rent->low * devices, r.rent.high + rent->high * devices};
}

void resolve_rents(Resolution& r) {
  const auto& written = r.written.systems;
  if (!written.empty() && std::all_of(written.begin(), written.end(), is_rented)) {
    refuse_beside_rents(r);
    r.loaded.input.prices.electricity = 0;
  }
  for (const auto& system : written) {
    if (is_rented(system)) resolve_rent(system, r);
  }
}

/// What one unit of a currency costs, as the scenario says.
std::optional<double> exchange_rate(const TariffRead& sheet, Resolution& r) {
  const auto& prices = r.written.prices;
  const std::string& currency = sheet.value.currency;
  std::optional<double> rate;
  for (const auto& [name, place, text] : prices.exchange) {
    if (name != currency || currency == "USD") {
      r.diagnostics.error(place, fmt::format("prices.exchange.{} is for nothing: the tariff {} is in {}",
                                             path_segment(name), sheet.value.id, currency));
      continue;
    }
    const auto parsed = parse_quantity(text.value, Dimension::money);
    const auto* usd = std::get_if<double>(&parsed);
    if (usd && *usd > 0) rate = *usd;
    if (!rate)
      r.diagnostics.error(text.place, fmt::format("prices.exchange.{} is {}; expected what one {} costs, such as "
                                                  "\"1.10 USD\"",
                                                  name, in_quotes(text.value), name));
  }
  if (currency == "USD") return 1;
  const bool tried = std::any_of(prices.exchange.begin(), prices.exchange.end(),
                                 [&](const auto& entry) { return entry.name == currency; });
  if (!tried)
    r.diagnostics.error(prices.tariff.place,
                        fmt::format("the tariff {0} is in {1}, and no exchange rate comes with the program; expected "
                                    "what one {1} costs, such as prices.exchange: {{{1}: 1.10 USD}}",
                                    sheet.value.id, currency));
  return rate;
}

std::optional<money::Tariff> tariff_sheet(Resolution& r) {
  const auto raw = open_sheet(SheetKind::tariff, r.written.prices.tariff, "prices.tariff", r.folder, r.diagnostics);
  if (!raw) return std::nullopt;
  const std::size_t before = r.diagnostics.reported();
  auto sheet = read_tariff(*raw, r.diagnostics);
  if (r.diagnostics.reported() > before) return std::nullopt;
  const auto rate = exchange_rate(sheet, r);
  if (!rate) return std::nullopt;
  carry(r, "tariffs/" + sheet.value.id, sheet);
  for (auto& rule : sheet.value.rules) rule.price *= *rate;
  return sheet.value;
}

std::optional<money::Tariff> inline_tariff(Resolution& r) {
  std::vector<const WrittenRule*> rules;
  for (const auto& rule : r.written.tariff) rules.push_back(&rule);
  return tariff_of(rules, "tariff", r.diagnostics);
}

}  // namespace

void resolve_prices(Resolution& r) {
  const WrittenPrices& p = r.written.prices;
  r.loaded.input.prices.electricity = p.electricity;
  r.loaded.input.prices.horizon = p.horizon.value_or(kDefaultHorizon);
  auto& systems = r.loaded.input.systems;
  if ((p.hardware || p.resale) && systems.size() > 1) {
    r.diagnostics.error(
        p.place, "prices.hardware and prices.resale are of one system; with more, give systems.NAME.price to each");
  }
  for (auto& system : systems) {
    auto& price = system.box.price;
    if (p.hardware) {
      price.purchase = *p.hardware;
      price.host = 0;
    }
    if (p.resale) price.resale_fraction = *p.resale;
  }
  resolve_rents(r);
}

void resolve_tariff(Resolution& r) {
  const WrittenPrices& p = r.written.prices;
  const bool named = p.tariff.given(), here = !r.written.tariff.empty();
  if (!named && !here) {
    if (!p.exchange.empty())
      r.diagnostics.error(p.exchange.front().place,
                          "prices.exchange is for a tariff in another currency; expected "
                          "prices.tariff beside it");
    return;
  }
  const Place& place = named ? p.tariff.place : r.written.tariff.front().place;
  if (named && here) r.diagnostics.error(place, "prices.tariff stands beside tariff; expected one of them");
  if (has(p, "electricity"))
    r.diagnostics.error(place, "a tariff stands beside prices.electricity; expected one of them");
  if (!r.written.start.given())
    r.diagnostics.error(place,
                        "a tariff needs start, the date and time at which the scenario starts, such as "
                        "start: \"2026-11-23 09:00\"");
  const auto start = date_and_time(r.written.start.value);
  r.tariff = named ? tariff_sheet(r) : inline_tariff(r);
  if (!r.tariff || !start) return;
  const auto whole_seconds = static_cast<int64_t>(std::ceil(r.written.duration.value_or(kLongestSeconds)));
  r.electricity = money::price_steps(*r.tariff, *start, whole_seconds);
  r.loaded.input.prices.electricity = r.electricity.front().price;
}

}  // namespace tokwatt::scenarios
