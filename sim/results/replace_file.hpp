#pragma once
#include <cstddef>
#include <span>
#include <string>

namespace tokwatt::sim {

/// Bytes of a file and where they go.
struct FilePart {
  std::size_t at = 0;
  std::span<const std::byte> bytes;
};

/// Writes a file of `size` bytes, part after part and zeros elsewhere, under a temporary name beside `path`, and
/// renames it: under `path` there is the old file or the new one, never a part. On failure (std::runtime_error) the
/// temporary file is gone and the old one stays. Termination signals to this thread wait until it is done, so that an
/// interrupted run leaves no temporary file either. When it reaches the disk is up to the system: a run that a power
/// cut takes is made again, byte for byte.
void replace_file(const std::string& path, std::span<const FilePart> parts, std::size_t size);

}  // namespace tokwatt::sim
