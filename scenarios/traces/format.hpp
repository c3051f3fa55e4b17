#pragma once
// What a trace format is: how its first line is recognised, and how a line of it becomes a row. One file per format,
// and one list of them (formats.cpp).
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/traces/fields.hpp"
#include "scenarios/traces/lines.hpp"
#include "scenarios/traces/mistakes.hpp"
#include "scenarios/traces/trace.hpp"

namespace tokwatt::scenarios {

/// A request as it stands in the file.
struct TraceRow {
  TraceInstant at = 0;  ///< not rebased [ps]
  int64_t line = 0;
  int32_t prompt = 0, output = 0;
  std::optional<int32_t> priority;  ///< where the format has one
  std::vector<sim::Part> parts;     ///< what the prompt begins with, where the format says so
};

/// Turns lines into rows.
class RowReader {
 public:
  virtual ~RowReader() = default;
  /// False after it has added what is wrong with line `number`.
  virtual bool read(std::string_view line, int64_t number, TraceRow& row, Mistakes& mistakes) = 0;
  /// Whether rows have an instant; without one all are at 0.
  virtual bool timed() const { return true; }
};

struct FirstLine {
  std::string text;
  bool json = false;
  std::vector<std::string> names;  ///< of its columns, or its keys
};

struct TraceFormat {
  const char* name;
  /// How well the format fits; 0: not at all. Names may be misspelt if `roughly`.
  int (*likeness)(const FirstLine& first, bool roughly);
  bool has_header;
  /// A reader for the lines below, or null after it has added what is wrong with the first one. A format without one is
  /// no list of requests (servegen).
  std::unique_ptr<RowReader> (*reader)(const FirstLine& first, sim::StreamKey key, Mistakes& mistakes);
};

std::span<const TraceFormat* const> trace_formats();
/// The format of that name, or for "auto" the one that the first line is of; null after mistakes.
const TraceFormat* choose_format(const FirstLine& first, const std::string& name, Mistakes& mistakes);
/// The first line, or nothing after mistakes.
std::optional<FirstLine> read_first_line(LineReader& lines, Mistakes& mistakes);
/// How many of a line's names are among `known`.
int count_known(const FirstLine& first, std::span<const char* const> known, bool roughly);

}  // namespace tokwatt::scenarios
