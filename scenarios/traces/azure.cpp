// The Azure public dataset: https://github.com/Azure/AzurePublicDataset, 2023 and 2024.
#include "scenarios/traces/csv_rows.hpp"

namespace tokwatt::scenarios {

static const CsvLayout kLayout{.columns = {"TIMESTAMP", "ContextTokens", "GeneratedTokens"}, .wall_clock = true};

extern const TraceFormat kAzure;
const TraceFormat kAzure{
    "azure",
    [](const FirstLine& first, bool roughly) { return likeness_of_header(kLayout, first, roughly); },
    /*has_header=*/true,
    [](const FirstLine& first, sim::StreamKey, Mistakes& mistakes) { return csv_rows(kLayout, first, mistakes); },
};

}  // namespace tokwatt::scenarios
