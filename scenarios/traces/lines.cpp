#include "scenarios/traces/lines.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

namespace tokwatt::scenarios {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10U;  // [B] read or inflated at once
constexpr std::size_t kShownOfLongLine = 200;            // [B]

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// zlib's state points back to its z_stream, so it never moves.
struct Inflater {
  // 15: the largest window; 16: a gzip header and trailer, whose checksum zlib verifies.
  Inflater() {
    if (inflateInit2(&stream, 15 + 16) != Z_OK) throw ReadFailure("zlib has no memory");
  }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  z_stream stream{};
};

}  // namespace

struct ByteStream::State {
  explicit State(const std::string& path) : file(std::fopen(path.c_str(), "rb")), input(kChunk) {
    if (!file) throw ReadFailure(std::generic_category().message(errno));
    std::setvbuf(file.get(), nullptr, _IONBF, 0);
    refill();
    if (starts_member()) inflater = std::make_unique<Inflater>();
  }

  bool starts_member() const { return end - begin >= 2 && input[begin] == '\x1F' && input[begin + 1] == '\x8B'; }

  // Appends to the input where there is room; false at the end of the file.
  bool refill() {
    std::copy(input.begin() + static_cast<std::ptrdiff_t>(begin), input.begin() + static_cast<std::ptrdiff_t>(end),
              input.begin());
    end -= begin;
    begin = 0;
    const std::size_t got = std::fread(input.data() + end, 1, input.size() - end, file.get());
    if (got == 0 && std::ferror(file.get()) != 0) throw ReadFailure(std::generic_category().message(errno));
    end += got;
    return got > 0;
  }

  std::size_t read_plain(std::span<char> into) {
    if (begin == end && !refill()) return 0;
    const std::size_t size = std::min(into.size(), end - begin);
    std::memcpy(into.data(), input.data() + begin, size);
    begin += size;
    return size;
  }

  // After a member: goes on to the one that follows, if one does. Zeros up to the end are padding (as gzip(1) has it),
  // all else is damage.
  void leave_member() {
    while (end - begin < 2 && refill()) {
    }
    if (starts_member()) {
      inflateReset(&inflater->stream);
      return;
    }
    done = true;
    do {
      const auto rest = std::span(input).subspan(begin, end - begin);
      if (std::any_of(rest.begin(), rest.end(), [](char c) { return c != 0; })) {
        failure = "damaged gzip: bytes after its end that are no gzip member";
        return;
      }
      begin = end;
    } while (refill());
  }

  std::size_t read_gzip(std::span<char> into) {
    while (!done) {
      if (begin == end && !refill()) throw ReadFailure("truncated gzip: the file ends inside the compressed data");
      const std::size_t size = inflate_into(into);
      if (size > 0) return size;  // what came before any damage first; the next call reports it
    }
    if (!failure.empty()) throw ReadFailure(failure);
    return 0;
  }

  std::size_t inflate_into(std::span<char> into) {
    z_stream& z = inflater->stream;
    z.next_in = reinterpret_cast<Bytef*>(input.data() + begin);
    z.avail_in = static_cast<uInt>(end - begin);
    z.next_out = reinterpret_cast<Bytef*>(into.data());
    z.avail_out = static_cast<uInt>(into.size());
    const int status = inflate(&z, Z_NO_FLUSH);
    begin = end - z.avail_in;
    if (status == Z_STREAM_END) {
      leave_member();
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      failure = fmt::format("damaged gzip: {}", z.msg != nullptr ? z.msg : "not deflate data");
      done = true;
    }
    return into.size() - z.avail_out;
  }

  std::unique_ptr<std::FILE, CloseFile> file;
  std::vector<char> input;
  std::size_t begin = 0, end = 0;  // of the input not consumed yet
  std::unique_ptr<Inflater> inflater;
  bool done = false;    // nothing more to inflate
  std::string failure;  // why, where it is not the end
};

ByteStream::ByteStream(const std::string& path) : state_(std::make_unique<State>(path)) {}
ByteStream::~ByteStream() = default;
ByteStream::ByteStream(ByteStream&&) noexcept = default;
std::size_t ByteStream::read(std::span<char> into) {
  return state_->inflater ? state_->read_gzip(into) : state_->read_plain(into);
}

LineReader::LineReader(const std::string& path) : bytes_(path), buffer_(kChunk) {}

// Makes room and reads on; false at the end of the file.
bool LineReader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
  const std::size_t got = bytes_.read(std::span(buffer_).subspan(end_));
  end_ += got;
  return got > 0;
}

std::string_view LineReader::cut_to(std::size_t length, bool ended) {
  std::string_view text(buffer_.data() + begin_, length);
  begin_ += length + (ended ? 1 : 0);
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  return text;
}

std::optional<std::string_view> LineReader::next() {
  if (line_ == 0) skip_byte_order_mark();
  too_long_ = false;
  std::size_t searched = 0;
  while (true) {
    const void* found = begin_ + searched < end_
                            ? std::memchr(buffer_.data() + begin_ + searched, '\n', end_ - begin_ - searched)
                            : nullptr;
    if (found != nullptr) {
      const std::size_t length = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data()) - begin_;
      ++line_;
      too_long_ = length > kLongestLine;
      return cut_to(length, true);
    }
    searched = end_ - begin_;
    if (searched > kLongestLine) return skip_long_line();
    if (!fill()) break;
  }
  if (begin_ == end_) return std::nullopt;
  ++line_;
  return cut_to(end_ - begin_, false);
}

void LineReader::skip_byte_order_mark() {
  while (end_ < 3 && fill()) {
  }
  if (end_ >= 3 && std::memcmp(buffer_.data(), "\xEF\xBB\xBF", 3) == 0) begin_ = 3;
}

std::string_view LineReader::skip_long_line() {
  ++line_;
  too_long_ = true;
  long_line_.assign(buffer_.data() + begin_, kShownOfLongLine);
  begin_ = end_;
  while (fill()) {
    const auto* found = static_cast<const char*>(std::memchr(buffer_.data(), '\n', end_));
    begin_ = found != nullptr ? static_cast<std::size_t>(found - buffer_.data()) + 1 : end_;
    if (found != nullptr) break;
  }
  return long_line_;
}

}  // namespace tokwatt::scenarios
