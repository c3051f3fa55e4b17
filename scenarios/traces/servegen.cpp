#include "scenarios/traces/servegen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "scenarios/traces/time_scale.hpp"
#include "sim/workload/renewal.hpp"

namespace tokwatt::scenarios {
namespace {

enum Column : std::size_t { kStart, kRate, kCv, kProcess, kShape, kScale, kColumns };
constexpr std::array<const char*, kColumns> kNames = {"start", "rate", "cv", "process", "shape", "scale"};
constexpr double kDefaultLength = 600;  // [s] of a window that stands alone: what ServeGen's have
constexpr double kMostRequests = 1e9;   // in a window
constexpr TraceInstant kSecond = 1'000'000'000'000;

using Fields = std::array<std::string_view, kColumns>;

struct RateWindow {
  TraceInstant start = 0;
  int64_t line = 0;
  sim::Renewal renewal;  // its rate is 0 where nothing comes
  std::size_t lengths = 0;
};

bool parse_number(std::string_view text, double& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= 0 && number <= 1e12;
}

class WindowReader {
 public:
  WindowReader(const std::vector<LengthWindow>& lengths, Mistakes& mistakes) : lengths_(lengths), mistakes_(mistakes) {}

  void read(std::string_view line, int64_t number) {
    line_ = line;
    window_ = {};
    window_.line = number;
    const int64_t before = mistakes_.count();
    if (const std::size_t count = split_fields(line, fields_); count != kColumns) {
      mistakes_.add(number, line, 0, line.size(),
                    fmt::format("{} fields in {}; expected {}", count, in_quotes(line), fmt::join(kNames, ",")));
      return;
    }
    read_start();
    const double rate = read_number(kRate);
    read_number(kCv);
    if (const double shape = read_number(kShape); rate > 0) {
      check_shape(shape);
      window_.renewal.shape = shape;
    }
    read_number(kScale);
    read_process(rate);
    window_.renewal.rate = rate;
    if (rate > 0 && mistakes_.count() == before) find_lengths();
    if (mistakes_.count() == before) windows_.push_back(window_);
  }

  /// The windows, where nothing is wrong with them.
  std::vector<RateWindow> finish() {
    for (std::size_t i = 0; i < windows_.size() && mistakes_.count() == 0; ++i) {
      const RateWindow& w = windows_[i];
      const double length = static_cast<double>(length_of(windows_, i)) / static_cast<double>(kSecond);
      if (w.renewal.rate * length <= kMostRequests) continue;
      mistakes_.add(w.line, "", 0, 1,
                    fmt::format("a window with {:.3g} requests; expected at most {:.0e}", w.renewal.rate * length,
                                kMostRequests));
    }
    return std::move(windows_);
  }

  /// Of window i [ps]: up to the next one; the last is as long as the one before.
  static TraceInstant length_of(const std::vector<RateWindow>& windows, std::size_t i) {
    if (windows.size() < 2) return static_cast<TraceInstant>(kDefaultLength) * kSecond;
    const std::size_t from = std::min(i, windows.size() - 2);
    return windows[from + 1].start - windows[from].start;
  }

 private:
  void wrong(Column column, const std::string& message) {
    const std::string_view field = fields_[column];
    mistakes_.add(window_.line, line_, static_cast<std::size_t>(field.data() - line_.data()), field.size(),
                  fmt::format("{} is {}", kNames[column], message));
  }

  void read_start() {
    if (!parse_instant(fields_[kStart], TimeUnit::s, window_.start)) {
      wrong(kStart, explain_instant(fields_[kStart], TimeUnit::s));
    } else if (!windows_.empty() && window_.start <= windows_.back().start) {
      wrong(kStart, fmt::format("{}, no later than the window before; expected windows in order of time",
                                in_quotes(fields_[kStart])));
    }
  }

  double read_number(Column column) {
    double number = 0;
    if (!parse_number(fields_[column], number))
      wrong(column, fmt::format("{}; expected a number from 0 to 1e12", in_quotes(fields_[column])));
    return number;
  }

  void check_shape(double shape) {
    if (shape < 1e-4 || shape > 1e6)
      wrong(kShape, fmt::format("{}; expected a shape from 1e-4 to 1e6", in_quotes(fields_[kShape])));
  }

  void read_process(double rate) {
    const std::string_view name = fields_[kProcess];
    if (name == "Weibull") window_.renewal.process = sim::GapProcess::weibull;
    if (name == "Gamma" || name == "Weibull" || (name.empty() && rate <= 0)) return;
    wrong(kProcess, name.empty() ? "empty; expected Gamma or Weibull where the rate is above 0"
                                 : fmt::format("{}; expected Gamma or Weibull{}", in_quotes(name),
                                               did_you_mean(name, {"Gamma", "Weibull"})));
  }

  // Of the last histograms that do not start later.
  void find_lengths() {
    const auto after = std::upper_bound(lengths_.begin(), lengths_.end(), window_.start,
                                        [](TraceInstant at, const LengthWindow& w) { return at < w.start; });
    window_.lengths = static_cast<std::size_t>(after - lengths_.begin()) - 1;
    if (after == lengths_.begin() || lengths_[window_.lengths].empty)
      wrong(kRate, fmt::format("{}, but the lengths have no histograms for that time", in_quotes(fields_[kRate])));
  }

  const std::vector<LengthWindow>& lengths_;
  Mistakes& mistakes_;
  std::string_view line_;
  Fields fields_;
  RateWindow window_;
  std::vector<RateWindow> windows_;
};

std::vector<RateWindow> read_windows(const std::string& path, const TraceOptions& options,
                                     const std::vector<LengthWindow>& lengths, Mistakes& mistakes) {
  LineReader lines(path);
  WindowReader reader(lengths, mistakes);
  int64_t left = options.limit.value_or(std::numeric_limits<int64_t>::max()), blank = 0;
  try {
    while (left-- > 0) {
      const auto line = lines.next();
      if (!line) break;
      if (blank != 0) mistakes.add(blank, "", 0, 1, "an empty line; expected a window");
      blank = line->empty() ? lines.line() : 0;
      if (lines.too_long()) {
        mistakes.add(lines.line(), *line, 0, 1,
                     fmt::format("a line of more than {} bytes; expected a window", kLongestLine));
      } else if (!line->empty()) {
        reader.read(*line, lines.line());
      }
    }
  } catch (const ReadFailure& e) {
    mistakes.add(lines.line() + 1, "", 0, 1, e.what());
  }
  std::vector<RateWindow> windows = reader.finish();
  const bool any = std::any_of(windows.begin(), windows.end(), [](const RateWindow& w) { return w.renewal.rate > 0; });
  if (mistakes.count() == 0 && !any) mistakes.add(1, "", 0, 1, "no window has a rate above 0; expected requests");
  return windows;
}

class ServeGenSource final : public TraceSource {
 public:
  ServeGenSource(std::string path, const TraceOptions& options, std::vector<RateWindow> windows,
                 std::vector<LengthWindow> lengths)
      : path_(std::move(path)),
        key_(options.key),
        windows_(std::move(windows)),
        lengths_(std::move(lengths)),
        scale_(windows_.front().start, options.speed, sim::picoseconds(options.start)) {}

  std::optional<sim::Arrival> next(sim::Picoseconds end) override {
    while (const auto offset = peek()) {
      const RateWindow& w = windows_[window_];
      const auto at = scale_(w.start + *offset);
      if (!at && end > sim::kLongestDuration) fail(w.line);
      if (!at || *at >= end) return std::nullopt;
      ahead_.reset();
      const LengthWindow& lengths = lengths_[w.lengths];
      const uint64_t number = number_++;
      return sim::Arrival{*at, draw_tokens(lengths.prompt, key_, sim::Purpose::prompt, number),
                          draw_tokens(lengths.output, key_, sim::Purpose::output, number), number};
    }
    return std::nullopt;
  }

  std::string note() const override {
    const auto empty =
        std::count_if(windows_.begin(), windows_.end(), [](const RateWindow& w) { return w.renewal.rate <= 0; });
    return fmt::format("{} windows, {} of them empty; the requests are drawn", windows_.size(), empty);
  }

 private:
  // The next request since the start of its window [ps].
  std::optional<TraceInstant> peek() {
    while (!ahead_ && window_ < windows_.size()) {
      const RateWindow& w = windows_[window_];
      if (!times_ && w.renewal.rate > 0) times_.emplace(w.renewal, key_, window_);
      const double length = static_cast<double>(WindowReader::length_of(windows_, window_));
      const double at = times_ ? times_->next() * static_cast<double>(kSecond) : length;
      if (at < length) {
        ahead_ = static_cast<TraceInstant>(at);
      } else {
        times_.reset();
        ++window_;
      }
    }
    return ahead_;
  }

  [[noreturn]] void fail(int64_t line) const {
    Mistakes mistakes(path_);
    mistakes.add(
        line, "", 0, 1,
        "this window goes beyond 106 days, the longest simulation; expected a duration, a limit or a higher speed");
    mistakes.raise();
  }

  std::string path_;
  sim::StreamKey key_;
  std::vector<RateWindow> windows_;
  std::vector<LengthWindow> lengths_;
  TimeScale scale_;
  std::size_t window_ = 0;
  std::optional<sim::RenewalTimes> times_;  // of the current window
  std::optional<TraceInstant> ahead_;
  uint64_t number_ = 0;  // of the next request
};

// No header, but the fourth of six columns is the name of a process or nothing.
int likeness(const FirstLine& first, bool) {
  if (first.json || first.names.size() != kColumns) return 0;
  const std::string& process = first.names[kProcess];
  double start = 0;
  if (!parse_number(first.names[kStart], start)) return 0;
  return process == "Gamma" || process == "Weibull" || process.empty() ? static_cast<int>(kColumns) : 0;
}

}  // namespace

extern const TraceFormat kServeGen;
const TraceFormat kServeGen{"servegen", likeness, /*has_header=*/false, /*reader=*/nullptr};

std::unique_ptr<TraceSource> open_servegen(const std::string& path, const TraceOptions& options, const Place& place,
                                           Diagnostics& diagnostics) {
  if (options.arrivals)
    diagnostics.error(place,
                      fmt::format("{} has times of its own; expected no arrivals: beside trace:", in_quotes(path)));
  if (options.lengths.empty())
    diagnostics.error(
        place,
        fmt::format(
            "{} has windows of rates; expected lengths: beside trace:, the client's dataset (chunk-0-dataset.json)",
            in_quotes(path)));
  if (options.arrivals || options.lengths.empty()) return nullptr;
  Mistakes in_lengths(options.lengths), in_windows(path);
  std::vector<LengthWindow> lengths;
  try {
    lengths = read_servegen_lengths(options.lengths, in_lengths);
  } catch (const ReadFailure& e) {
    diagnostics.error(place, fmt::format("cannot read {}: {}", in_quotes(options.lengths), e.what()));
    return nullptr;
  }
  in_lengths.report(diagnostics);
  if (in_lengths.count() > 0) return nullptr;
  std::vector<RateWindow> windows = read_windows(path, options, lengths, in_windows);
  in_windows.report(diagnostics);
  if (in_windows.count() > 0) return nullptr;
  return std::make_unique<ServeGenSource>(path, options, std::move(windows), std::move(lengths));
}

}  // namespace tokwatt::scenarios
