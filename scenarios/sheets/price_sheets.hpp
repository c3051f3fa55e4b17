#pragma once
// Reads tariffs, prices of APIs and rentals.
#include <optional>
#include <string>
#include <vector>

#include "scenarios/sheets/price_fields.hpp"
#include "scenarios/sheets/sheets.hpp"

namespace tokwatt::scenarios {

using TariffRead = Sheet<money::Tariff>;
using ApiRead = Sheet<money::Api>;
using RentalRead = Sheet<money::Rental>;

// Each reports every mistake; the value is to be used only if there was none.
TariffRead read_tariff(const RawSheet& sheet, Diagnostics& diagnostics);
ApiRead read_api(const RawSheet& sheet, Diagnostics& diagnostics);
RentalRead read_rental(const RawSheet& sheet, Diagnostics& diagnostics);

/// The rules as written, checked: each hour of the year has a price. `path` is what messages call their list.
std::optional<money::Tariff> tariff_of(const std::vector<const WrittenRule*>& rules, const std::string& path,
                                       Diagnostics& diagnostics);

/// "Jun to Sep, 16 to 21 h, weekdays" of each rule, with its price.
std::vector<std::string> in_words(const money::Tariff& tariff);
/// The days from which an API asks its prices.
std::vector<std::string> in_words(const money::Api& api);

}  // namespace tokwatt::scenarios
