#pragma once
// The mistakes in a trace that is too long to keep: the first few with the lines they are in, and how many more.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/diagnostics.hpp"

namespace tokwatt::scenarios {

class Mistakes {
 public:
  explicit Mistakes(std::string file) : file_(std::move(file)) {}
  /// A mistake at byte `offset` of line `line` (from 1), `size` bytes wide.
  void add(int64_t line, std::string_view text, std::size_t offset, std::size_t size, std::string message);
  int64_t count() const { return count_; }
  bool full() const;  ///< more are only counted
  /// Hands them over, with "... and N more mistakes" if there were more than are kept.
  void report(Diagnostics& diagnostics) const;
  [[noreturn]] void raise() const;  ///< as an InputError

 private:
  struct Mistake {
    int line, column, width;
    std::string message;
  };
  std::string file_;
  std::vector<Mistake> first_;
  std::map<int, std::string> lines_;  // texts of the lines that first_ points into
  int64_t count_ = 0;
};

}  // namespace tokwatt::scenarios
