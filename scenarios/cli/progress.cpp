#include "scenarios/cli/progress.hpp"

#include <fmt/format.h>

#include <ostream>

#include "scenarios/cli/layout.hpp"
#include "scenarios/utf8.hpp"

namespace tokwatt::cli {

std::string progress_line(const sim::ProgressReport& report, double elapsed) {
  const double now = sim::seconds(report.now);
  std::string line = span(now);
  if (report.end) line += fmt::format(" of {}", span(sim::seconds(*report.end)));
  line += " simulated";
  const double part = report.end ? now / sim::seconds(*report.end) : 0;
  if (report.end) line += fmt::format(" ({:.0f} %)", 100 * part);
  line += fmt::format(", {} requests done", grouped(report.completed));
  if (part > 0) line += fmt::format(", about {} left", span(elapsed * (1 - part) / part));
  return scenarios::shortened(line, kScreen - 1);
}

void ProgressLine::show(const sim::ProgressReport& report) {
  show([&](double elapsed) { return progress_line(report, elapsed); });
}

void ProgressLine::show(const std::function<std::string(double elapsed)>& line) {
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(200);
  shown_ = true;
  err_ << "\r\033[K" << line(std::chrono::duration<double>(now - start_).count()) << std::flush;
}

void ProgressLine::erase() {
  if (shown_) err_ << "\r\033[K" << std::flush;
  shown_ = false;
}

}  // namespace tokwatt::cli
