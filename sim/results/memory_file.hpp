#pragma once
// A file that HDF5 makes in memory without copying the columns it is made of: what is lent is noted, what is small is
// kept. The columns of a million requests would otherwise be in memory twice.
#include <array>
#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "sim/results/hdf5.hpp"
#include "sim/results/replace_file.hpp"

namespace tokwatt::sim {

class MemoryFile {
 public:
  /// Makes an empty HDF5 file whose bytes come here.
  hdf5::Handle create();

  /// Bytes that HDF5 is about to be given as values. They must stay as they are until parts() has been used.
  void lend(std::span<const std::byte> values) { lent_ = values; }

  /// Takes back what the superblock says while HDF5 has the file open for writing.
  void mark_closed();

  std::size_t size() const { return size_; }
  /// In the order in which they must be written: a page holds zeros where lent bytes begin or end within it.
  std::vector<FilePart> parts() const;

 private:
  friend struct MemoryFileDriver;

  static constexpr std::size_t kPage = 4096;  // [B]
  using Page = std::array<std::byte, kPage>;

  void write(std::size_t at, std::span<const std::byte> bytes);
  void read(std::size_t at, std::span<std::byte> into) const;

  std::map<std::size_t, Page> pages_;  // by number
  std::vector<FilePart> lent_parts_;
  std::span<const std::byte> lent_;  // by the call in progress
  std::size_t size_ = 0;
};

}  // namespace tokwatt::sim
