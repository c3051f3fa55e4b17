#include "money/api.hpp"

#include <algorithm>

namespace tokwatt::money {

double cost(const TokenPrices& prices, const Tokens& tokens) {
  return (tokens.prompt - tokens.cached) * prices.input + tokens.cached * prices.cached + tokens.output * prices.output;
}

double cost_uncached(const TokenPrices& prices, const Tokens& tokens) {
  return tokens.prompt * prices.input + tokens.output * prices.output;
}

double free_share(const FreeTier& tier, double requests, double tokens, double days, double months) {
  if (!tier.is_given()) return 0;
  double share = 1;
  const auto limit = [&](const std::optional<int64_t>& free, double spans, double used) {
    if (free && used > 0) share = std::min(share, static_cast<double>(*free) * spans / used);
  };
  limit(tier.requests_per_day, days, requests);
  limit(tier.tokens_per_day, days, tokens);
  limit(tier.requests_per_month, months, requests);
  limit(tier.tokens_per_month, months, tokens);
  return share;
}

const TokenPrices* prices_on(const Api& api, std::chrono::year_month_day day) {
  const TokenPrices* in_force = nullptr;
  for (const auto& price : api.prices) {
    if (!price.from || *price.from <= day) in_force = &price.prices;
  }
  return in_force;
}

double Rental::lowest() const {
  double out = typical;
  for (const auto& offer : offers) out = std::min(out, offer.low);
  return out;
}

double Rental::highest() const {
  double out = typical;
  for (const auto& offer : offers) out = std::max(out, offer.high);
  return out;
}

}  // namespace tokwatt::money
