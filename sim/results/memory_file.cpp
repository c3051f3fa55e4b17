// A virtual file driver of HDF5 (HDF5 Reference Manual, H5FDregister): the library asks for no more than to write at an
// address and to read back what it wrote.
#include "sim/results/memory_file.hpp"

#include <algorithm>
#include <new>
#include <stdexcept>

namespace tokwatt::sim {

std::vector<FilePart> MemoryFile::parts() const {
  std::vector<FilePart> parts;
  for (const auto& [number, page] : pages_) {
    const std::size_t at = number * kPage;
    if (at < size_) parts.push_back({at, std::span(page).first(std::min(kPage, size_ - at))});
  }
  parts.insert(parts.end(), lent_parts_.begin(), lent_parts_.end());
  return parts;
}

// HDF5 File Format Specification, section II.A, "File Consistency Flags"; a superblock of version 2 has them elsewhere,
// and a checksum.
void MemoryFile::mark_closed() {
  constexpr std::size_t kVersionAt = 8, kFlagsAt = 20;
  Page& superblock = pages_[0];
  if (superblock[kVersionAt] > std::byte{1})
    throw std::logic_error("HDF5 made a superblock of a version not asked for");
  superblock[kFlagsAt] = std::byte{0};
}

void MemoryFile::write(std::size_t at, std::span<const std::byte> bytes) {
  const bool is_lent = bytes.data() == lent_.data() && bytes.size() == lent_.size() && bytes.size() >= kPage;
  if (is_lent) {
    lent_parts_.push_back({at, bytes});
    return;
  }
  while (!bytes.empty()) {
    const std::size_t from = at % kPage, count = std::min(kPage - from, bytes.size());
    std::copy_n(bytes.begin(), count, pages_[at / kPage].begin() + static_cast<std::ptrdiff_t>(from));
    bytes = bytes.subspan(count);
    at += count;
  }
}

// What was never written reads as zeros, as it does from a disk.
void MemoryFile::read(std::size_t at, std::span<std::byte> into) const {
  const std::size_t end = at + into.size();
  for (std::size_t i = at; i < end;) {
    const std::size_t from = i % kPage, count = std::min(kPage - from, end - i);
    const auto page = pages_.find(i / kPage);
    const auto out = into.subspan(i - at, count);
    if (page == pages_.end()) {
      std::fill(out.begin(), out.end(), std::byte{0});
    } else {
      std::copy_n(page->second.begin() + static_cast<std::ptrdiff_t>(from), count, out.begin());
    }
    i += count;
  }
  for (const auto& part : lent_parts_) {
    const std::size_t first = std::max(at, part.at), last = std::min(end, part.at + part.bytes.size());
    if (first < last)
      std::copy_n(part.bytes.begin() + static_cast<std::ptrdiff_t>(first - part.at), last - first,
                  into.begin() + static_cast<std::ptrdiff_t>(first - at));
  }
}

/// What HDF5 calls. Exceptions must not pass through C.
struct MemoryFileDriver {
  struct Open {
    H5FD_t hdf5;  // first: HDF5 knows no more of it
    MemoryFile* file;
    std::size_t end;  // of what is in the file
  };
  struct Access {
    MemoryFile* file;
  };

  static Open* of(H5FD_t* file) { return reinterpret_cast<Open*>(file); }
  static const Open* of(const H5FD_t* file) { return reinterpret_cast<const Open*>(file); }

  static H5FD_t* open(const char*, unsigned, hid_t access, haddr_t) {
    const auto* info = static_cast<const Access*>(H5Pget_driver_info(access));
    auto* opened = info != nullptr ? new (std::nothrow) Open{} : nullptr;
    if (opened == nullptr) return nullptr;
    opened->file = info->file;
    return &opened->hdf5;
  }
  static herr_t close(H5FD_t* file) {
    delete of(file);
    return 0;
  }
  static herr_t query(const H5FD_t*, unsigned long* flags) {
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA;
    return 0;
  }
  static haddr_t get_eoa(const H5FD_t* file, H5FD_mem_t) { return of(file)->file->size_; }
  static herr_t set_eoa(H5FD_t* file, H5FD_mem_t, haddr_t address) {
    of(file)->file->size_ = address;
    return 0;
  }
  static haddr_t get_eof(const H5FD_t* file, H5FD_mem_t) { return of(file)->end; }
  static herr_t read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, size_t size, void* into) {
    of(file)->file->read(at, {static_cast<std::byte*>(into), size});
    return 0;
  }
  static herr_t write(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, size_t size, const void* bytes) {
    try {
      of(file)->file->write(at, {static_cast<const std::byte*>(bytes), size});
    } catch (const std::bad_alloc&) {
      return -1;
    }
    of(file)->end = std::max<std::size_t>(of(file)->end, at + size);
    return 0;
  }

  static H5FD_class_t description() {
    H5FD_class_t driver{};
    driver.name = "tokwatt_memory";
    driver.maxaddr = (haddr_t{1} << 62U) - 1;
    driver.fc_degree = H5F_CLOSE_STRONG;
    driver.fapl_size = sizeof(Access);
    driver.open = open;
    driver.close = close;
    driver.query = query;
    driver.get_eoa = get_eoa;
    driver.set_eoa = set_eoa;
    driver.get_eof = get_eof;
    driver.read = read;
    driver.write = write;
    constexpr H5FD_mem_t kDichotomy[] = H5FD_FLMAP_DICHOTOMY;
    std::copy(std::begin(kDichotomy), std::end(kDichotomy), std::begin(driver.fl_map));
    return driver;
  }

  /// Registered once in a process, as long as HDF5 is there.
  static hid_t id() {
    static const H5FD_class_t driver = description();
    static const hid_t registered = H5FDregister(&driver);
    return registered;
  }
};

hdf5::Handle MemoryFile::create() {
  const auto access = hdf5::own(H5Pcreate(H5P_FILE_ACCESS), "make a property list");
  const MemoryFileDriver::Access info{this};
  hdf5::check(H5Pset_driver(access.get(), hdf5::check(MemoryFileDriver::id(), "register a driver"), &info),
              "make a file in memory");
  const auto creation = hdf5::creation_properties(H5P_FILE_CREATE);
  return hdf5::own(H5Fcreate("results", H5F_ACC_TRUNC, creation.get(), access.get()), "make a file in memory");
}

}  // namespace tokwatt::sim
