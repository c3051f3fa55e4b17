// BurstGPT 1 to 3: https://github.com/HPMLL/BurstGPT. The third inserts columns; `Elapsed time` is other hardware's.
#include "scenarios/traces/csv_rows.hpp"

namespace tokwatt::scenarios {

static const CsvLayout kLayout{.columns = {"Timestamp", "Request tokens", "Response tokens"}};

extern const TraceFormat kBurstGpt;
const TraceFormat kBurstGpt{
    "burstgpt",
    [](const FirstLine& first, bool roughly) { return likeness_of_header(kLayout, first, roughly); },
    /*has_header=*/true,
    [](const FirstLine& first, sim::StreamKey, Mistakes& mistakes) { return csv_rows(kLayout, first, mistakes); },
};

}  // namespace tokwatt::scenarios
