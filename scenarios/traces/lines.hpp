#pragma once
// A text file, gzip or not, line by line: bounded memory however long the file or a line is.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tokwatt::scenarios {

/// The file cannot be read on: missing, damaged or truncated. what() is the reason.
class ReadFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Bytes of a file, decompressed if it starts with gzip's magic number. Checksums are verified; members may follow each
/// other.
class ByteStream {
 public:
  explicit ByteStream(const std::string& path);
  ~ByteStream();
  ByteStream(ByteStream&&) noexcept;
  /// Fills at least one byte of `into`; 0 at the end.
  std::size_t read(std::span<char> into);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// [B] A prompt of a million tokens with an id for each has 7 MiB.
inline constexpr std::size_t kLongestLine = std::size_t{16} << 20U;

class LineReader {
 public:
  explicit LineReader(const std::string& path);
  /// The next line without its end (LF or CRLF) and without a byte order mark; valid until the next call. Nothing at
  /// the end. Of a line above kLongestLine only the beginning is handed out, and too_long() says so.
  std::optional<std::string_view> next();
  int64_t line() const { return line_; }  ///< number of the line handed out last, from 1
  bool too_long() const { return too_long_; }

 private:
  bool fill();
  void skip_byte_order_mark();
  std::string_view cut_to(std::size_t length, bool ended);
  std::string_view skip_long_line();

  ByteStream bytes_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // of what is read and not handed out yet
  int64_t line_ = 0;
  bool too_long_ = false;
  std::string long_line_;  // the beginning of a line that is too long
};

}  // namespace tokwatt::scenarios
