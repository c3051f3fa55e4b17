// Our own format.
#include "scenarios/traces/csv_rows.hpp"

namespace tokwatt::scenarios {

static const CsvLayout kLayout{
    .columns = {"arrival_s", "prompt_tokens", "output_tokens"}, .others = {"id", "priority"}, .ours = true};

extern const TraceFormat kCsv;
const TraceFormat kCsv{
    "csv",
    [](const FirstLine& first, bool roughly) { return likeness_of_header(kLayout, first, roughly); },
    /*has_header=*/true,
    [](const FirstLine& first, sim::StreamKey, Mistakes& mistakes) { return csv_rows(kLayout, first, mistakes); },
};

}  // namespace tokwatt::scenarios
