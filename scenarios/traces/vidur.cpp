// Vidur's processed traces: https://github.com/microsoft/vidur, with arrivals or without.
#include "scenarios/traces/csv_rows.hpp"

namespace tokwatt::scenarios {

static const CsvLayout kLayout{.columns = {"arrived_at", "num_prefill_tokens", "num_decode_tokens"},
                               .instant_optional = true};

extern const TraceFormat kVidur;
const TraceFormat kVidur{
    "vidur",
    [](const FirstLine& first, bool roughly) { return likeness_of_header(kLayout, first, roughly); },
    /*has_header=*/true,
    [](const FirstLine& first, sim::StreamKey, Mistakes& mistakes) { return csv_rows(kLayout, first, mistakes); },
};

}  // namespace tokwatt::scenarios
