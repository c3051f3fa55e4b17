#pragma once
// A CSV file with a header, its fields by name: for formats whose rows are not requests one by one.
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/traces/lines.hpp"
#include "scenarios/traces/mistakes.hpp"

namespace tokwatt::scenarios {

struct CsvColumns {
  std::vector<std::string> wanted;   ///< must be there
  std::vector<std::string> allowed;  ///< may be there
  bool others = false;               ///< so may any other: the format is not ours
  const char* holds = "a trace";     ///< what messages call the file
};

class CsvTable {
 public:
  /// Reads the header and reports what is wrong with it. Throws ReadFailure if the file cannot be opened.
  CsvTable(const std::string& path, const CsvColumns& columns, Mistakes& mistakes);
  /// Goes to the next row that has as many fields as the header; false at the end.
  bool next();
  /// The field of this row under a wanted or allowed column; empty if there is no such column.
  std::string_view field(std::string_view column) const;
  /// Something is wrong with it.
  void report(std::string_view column, const std::string& what);
  int64_t line() const { return lines_.line(); }

 private:
  void read_header(const CsvColumns& columns);
  void check_header(const CsvColumns& columns);
  bool next_line();
  void report_count(std::size_t count);
  void report_line(std::size_t offset, std::size_t size, std::string what);

  LineReader lines_;
  Mistakes& mistakes_;
  const char* holds_;
  std::string header_line_;
  std::vector<std::string> header_;
  std::string_view line_;
  std::vector<std::string_view> fields_;
  int64_t blank_line_ = 0;  // an empty line that is fine only if it is the last
  bool ended_ = false;
};

}  // namespace tokwatt::scenarios
