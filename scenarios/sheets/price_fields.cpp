#include "scenarios/sheets/price_fields.hpp"

namespace tokwatt::scenarios {
namespace {

constexpr Range kPerMinute{1, 1e12};
const Choices kCurrencies{{"USD", "EUR", "GBP", "JPY", "AUD"}, {}};
const Choices kDays{{"all", "weekdays", "weekends"}, {}};

void rule_fields(Fields& f, WrittenRule& r, Dimension price) {
  f.here(r.place);
  f.quantity(required("price", "of electricity", kNotNegative), price, r.price);
  f.quantities(
      optional("hours", "from and to, in whole hours of local time: [16, 21], [23, 7]; without it all", {0, 24}),
      Dimension::number, r.hours);
  f.choice(optional("days", "all (default), weekdays (Monday to Friday) or weekends"), kDays, r.days);
  f.quantities(optional("months", "first and last: [6, 9], [10, 5]; without it all", {1, 12}), Dimension::number,
               r.months);
}

}  // namespace

void fields(Fields& f, WrittenRule& r) { rule_fields(f, r, Dimension::money_per_energy); }
static void fields(Fields& f, LocalRule& r) { rule_fields(f, r, Dimension::local_money_per_energy); }

const std::vector<std::string>& currencies() { return kCurrencies.built; }

void fields(Fields& f, TariffSheet& s) {
  head_fields(f, s.head);
  f.choice(required("currency", "of its prices"), kCurrencies, s.currency);
  f.sections(required("rules", "the first that holds is the price"), s.rules);
}

static void fields(Fields& f, WrittenTokenPrices& p) {
  f.here(p.place);
  f.text(optional("from", "day from which they hold, quoted: \"2026-07-30\"; without it from the launch"), p.from);
  f.quantity(required("input", "of a prompt token", kNotNegative), Dimension::money_per_token, p.input);
  f.quantity(optional("cached", "of a prompt token found in its cache; without it as input", kNotNegative),
             Dimension::money_per_token, p.cached);
  f.quantity(required("output", "of an output token, those of thinking among them", kNotNegative),
             Dimension::money_per_token, p.output);
}

static void fields(Fields& f, money::RateLimits& l) {
  f.count(optional("requests_per_minute", "of one customer", kPerMinute), l.requests_per_minute);
  f.count(optional("tokens_per_minute", "of one customer, prompts and answers", kPerMinute), l.tokens_per_minute);
}

void fields(Fields& f, money::FreeTier& t) {
  f.count(optional("requests_per_day", "without charge", kPerMinute), t.requests_per_day);
  f.count(optional("tokens_per_day", "without charge, prompts and answers", kPerMinute), t.tokens_per_day);
  f.count(optional("requests_per_month", "without charge", kPerMinute), t.requests_per_month);
  f.count(optional("tokens_per_month", "without charge, prompts and answers", kPerMinute), t.tokens_per_month);
}

void fields(Fields& f, ApiSheet& s) {
  head_fields(f, s.head);
  f.text(required("provider", "who hosts it"), s.provider);
  f.text(required("model", "its name there"), s.model);
  f.sections(required("prices", "the oldest first"), s.prices);
  f.section(optional("rate_limits", "what one customer may send"), s.rate_limits);
  f.section(optional("free_tier", "what costs nothing"), s.free_tier);
}

static void fields(Fields& f, WrittenOffer& o) {
  f.here(o.place);
  f.text(required("market", "who offers, and how: spot, on demand, reserved"), o.market);
  f.text(required("date", "month of the offer, quoted: \"2026-05\""), o.date);
  f.quantity(required("low", "the cheapest", kNotNegative), Dimension::money_per_time, o.low);
  f.quantity(required("high", "the dearest", kNotNegative), Dimension::money_per_time, o.high);
}

void fields(Fields& f, RentalSheet& s) {
  head_fields(f, s.head);
  f.text(required("device", "the box of which one device is rented, by its id"), s.device);
  f.quantity(required("typical", "price of one device", kPositive), Dimension::money_per_time, s.typical);
  f.sections(required("offers", "markets and their ranges"), s.offers);
}

}  // namespace tokwatt::scenarios
