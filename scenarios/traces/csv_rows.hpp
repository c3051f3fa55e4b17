#pragma once
// Traces in CSV with a header. Columns go by name, never by position.
#include <array>
#include <memory>

#include "scenarios/traces/format.hpp"

namespace tokwatt::scenarios {

struct CsvLayout {
  std::array<const char*, 3> columns;  ///< instant, prompt, output
  bool wall_clock = false;             ///< instants are dates, not seconds
  bool instant_optional = false;
  std::vector<const char*> others = {};  ///< columns that our own format may have beside these
  bool ours = false;                     ///< a foreign file may hold any other columns, ours may not
};

int likeness_of_header(const CsvLayout& layout, const FirstLine& first, bool roughly);
/// `layout` must outlive the reader.
std::unique_ptr<RowReader> csv_rows(const CsvLayout& layout, const FirstLine& first, Mistakes& mistakes);

}  // namespace tokwatt::scenarios
