#pragma once
// What sheets of prices are made of: each key of a tariff, an API and a rental (scenarios/prices), declared once.
#include <optional>
#include <vector>

#include "money/api.hpp"
#include "money/tariff.hpp"
#include "scenarios/sheets/sheet_fields.hpp"

namespace tokwatt::scenarios {

/// A price of electricity and when it holds, in USD.
struct WrittenRule {
  Place place;
  double price = 0;
  std::vector<double> hours, months;
  Text days;
};
/// The same in the currency of its sheet.
struct LocalRule : WrittenRule {};

struct TariffSheet {
  Head head;
  Text currency;
  std::vector<LocalRule> rules;
};
/// Currencies that a tariff may be in.
const std::vector<std::string>& currencies();

struct WrittenTokenPrices {
  Place place;
  Text from;
  double input = 0, output = 0;
  std::optional<double> cached;
};
struct ApiSheet {
  Head head;
  Text provider, model;
  std::vector<WrittenTokenPrices> prices;
  money::RateLimits rate_limits;
  money::FreeTier free_tier;
};

struct WrittenOffer {
  Place place;
  Text market, date;
  double low = 0, high = 0;
};
struct RentalSheet {
  Head head;
  Text device;
  double typical = 0;
  std::vector<WrittenOffer> offers;
};

void fields(Fields& f, WrittenRule& r);
void fields(Fields& f, TariffSheet& s);
void fields(Fields& f, money::FreeTier& t);
void fields(Fields& f, ApiSheet& s);
void fields(Fields& f, RentalSheet& s);

}  // namespace tokwatt::scenarios
