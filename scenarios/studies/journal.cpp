#include "scenarios/studies/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>
#include <utility>

namespace tokwatt::scenarios {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace

Journal::Journal(std::string path, const Study& study) : path_(std::move(path)), records_(study.points()) {
  descriptor_ = open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor_ < 0) fail(std::generic_category().message(errno));
  try {
    if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) fail("another tokwatt works on this study");
    read(study, Json{{"tokwatt_study", study.fingerprint}, {"points", study.points()}}.dump() + "\n");
  } catch (...) {
    close(descriptor_);
    throw;
  }
}

Journal::~Journal() { close(descriptor_); }

void Journal::fail(const std::string& why) const {
  throw JournalError(fmt::format("the journal {} cannot be used: {}", path_, why));
}

void Journal::read(const Study& study, const std::string& head) {
  const std::string text = text_of(path_);
  const bool is_new = text.size() < head.size() && head.compare(0, text.size(), text) == 0;
  if (!is_new && text.compare(0, head.size(), head) != 0) {
    fail(text.rfind("{\"tokwatt_study\":", 0) == 0
             ? "it is of another study: its text, its scenario, a sheet, a trace or the program's version has changed; "
               "remove it to begin anew, or choose another -o"
             : "it is no journal of a study; choose another -o");
  }
  const std::size_t whole = is_new ? 0 : text.rfind('\n') + 1;
  if (whole < text.size() && ftruncate(descriptor_, static_cast<off_t>(whole)) != 0)
    fail(std::generic_category().message(errno));
  if (is_new) return write(head);
  std::istringstream lines(text.substr(head.size(), whole - head.size()));
  int number = 2;
  for (std::string line; std::getline(lines, line); ++number) {
    auto record = record_from(line, study);
    if (!record || records_[record->point])
      fail(fmt::format("its line {} is damaged; remove it to begin anew", number));
    records_[record->point] = std::move(record);
  }
}

void Journal::write(const std::string& line) {
  for (std::size_t done = 0; done < line.size();) {
    const auto written = ::write(descriptor_, line.data() + done, line.size() - done);
    if (written < 0 && errno != EINTR) fail(std::generic_category().message(errno));
    if (written > 0) done += static_cast<std::size_t>(written);
  }
}

void Journal::add(PointRecord record) {
  const std::string line = line_of(record) + "\n";
  const std::lock_guard lock(writing_);
  write(line);
  records_[record.point] = std::move(record);
}

void Journal::remove() { unlink(path_.c_str()); }

}  // namespace tokwatt::scenarios
