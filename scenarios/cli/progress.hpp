#pragma once
// One line on a terminal that says how far a long run is, erased at its end.
#include <chrono>
#include <functional>
#include <iosfwd>
#include <string>

#include "sim/simulation.hpp"

namespace tokwatt::cli {

/// What the line says: simulated time, share done, requests, time left.
std::string progress_line(const sim::ProgressReport& report, double elapsed);

class ProgressLine {
 public:
  /// Says nothing for the first two seconds: most runs are over by then.
  explicit ProgressLine(std::ostream& err) : err_(err) {}
  ~ProgressLine() { erase(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const sim::ProgressReport& report);
  /// Shows what `line` says when so many seconds have passed; it is asked only now and then.
  void show(const std::function<std::string(double elapsed)>& line);
  void erase();

 private:
  using Clock = std::chrono::steady_clock;
  std::ostream& err_;
  Clock::time_point start_ = Clock::now(), next_ = start_ + std::chrono::seconds(2);
  bool shown_ = false;
};

}  // namespace tokwatt::cli
