#pragma once
// What a study has so far: one line of JSON for each finished point, in the order in which they finished. A line is
// whole or not there, so that a study goes on where it was killed.
#include <mutex>
#include <stdexcept>
#include <string>

#include "scenarios/studies/point_record.hpp"

namespace tokwatt::scenarios {

/// The journal cannot be used: of another study, damaged, in use, or not to be written. what() has its path.
class JournalError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Journal {
 public:
  /// Opens the journal of a study, or begins one, and keeps others out while it lives. A line that was cut off when the
  /// program was killed is taken back.
  Journal(std::string path, const Study& study);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// By point; nothing: still to be done.
  const PointRecords& records() const { return records_; }
  /// May be called from several threads.
  void add(PointRecord record);
  void remove();

 private:
  void read(const Study& study, const std::string& head);
  void write(const std::string& line);
  [[noreturn]] void fail(const std::string& why) const;

  std::string path_;
  int descriptor_ = -1;
  std::mutex writing_;
  PointRecords records_;
};

}  // namespace tokwatt::scenarios
