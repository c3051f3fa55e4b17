#pragma once
// What hosted models cost by the token, and rented devices by the hour; with the dates from which they did.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tokwatt::money {

/// Of one request, one day, a month.
struct Tokens {
  double prompt = 0;  ///< all of them
  double cached = 0;  ///< of these, found in the prefix cache
  double output = 0;
};

struct TokenPrices {
  double input = 0, cached = 0, output = 0;  ///< [USD/token]
};
/// What some tokens cost [USD].
double cost(const TokenPrices& prices, const Tokens& tokens);
/// The same where the API finds none of the prompts in its cache.
double cost_uncached(const TokenPrices& prices, const Tokens& tokens);

/// Prices from a date on; without one from the launch on.
struct ApiPrice {
  std::optional<std::chrono::year_month_day> from;
  TokenPrices prices;
};

/// What a provider lets one customer do; without a figure there is none that is known.
struct RateLimits {
  std::optional<int64_t> requests_per_minute, tokens_per_minute;
};
/// What costs nothing, prompts and answers together; without a figure it limits nothing, and without any nothing is
/// free.
struct FreeTier {
  std::optional<int64_t> requests_per_day, tokens_per_day, requests_per_month, tokens_per_month;

  bool is_given() const { return requests_per_day || tokens_per_day || requests_per_month || tokens_per_month; }
};
/// Which share of so many requests with so many tokens, evenly over days and months, is free: what the tightest of its
/// figures lets through.
double free_share(const FreeTier& tier, double requests, double tokens, double days, double months);

struct Api {
  std::string id, title, provider, model;
  std::vector<ApiPrice> prices;  ///< the oldest first, at least one
  RateLimits rate_limits;
  FreeTier free_tier;
};
/// The prices on a day; null before the first.
const TokenPrices* prices_on(const Api& api, std::chrono::year_month_day day);

/// What one market asks for a device.
struct RentalOffer {
  std::string market;
  double low = 0, high = 0;  ///< [USD/s]
};
struct Rental {
  std::string id, title, device;
  double typical = 0;  ///< [USD/s]
  std::vector<RentalOffer> offers;

  double lowest() const;
  double highest() const;
};

}  // namespace tokwatt::money
