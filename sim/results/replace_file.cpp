#include "sim/results/replace_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace tokwatt::sim {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& path, const char* doing, int error) {
  throw std::runtime_error(fmt::format("cannot write {}: {}: {}", path, doing, std::generic_category().message(error)));
}

class HeldSignals {
 public:
  HeldSignals() {
    sigset_t held;
    sigemptyset(&held);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&held, signal);
    pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  ~HeldSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  sigset_t before_;
};

/// A new file beside the final one; removed again unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target) : target_(target.string()) {
    // Several simulations of one process may write into one folder at once: the counter tells their files apart.
    static std::atomic<unsigned> counter = 0;
    name_ =
        (target.parent_path() / fmt::format(".{}.{}-{}.tmp", target.filename().string(), getpid(), counter++)).string();
    descriptor_ = open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail(target_, "creating a file beside it", errno);
  }
  ~TemporaryFile() {
    if (descriptor_ >= 0) close(descriptor_);
    if (!renamed_) unlink(name_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(const FilePart& part) {
    constexpr std::size_t kAtOnce = std::size_t{1} << 30;  // Linux writes at most 2 GiB a call
    auto at = static_cast<off_t>(part.at);
    for (auto bytes = part.bytes; !bytes.empty();) {
      const auto written = pwrite(descriptor_, bytes.data(), std::min(bytes.size(), kAtOnce), at);
      if (written < 0 && errno != EINTR) fail(target_, "writing", errno);
      if (written <= 0) continue;
      bytes = bytes.subspan(static_cast<std::size_t>(written));
      at += written;
    }
  }

  /// What was not written reads as zeros.
  void finish(std::size_t size) {
    if (ftruncate(descriptor_, static_cast<off_t>(size)) != 0) fail(target_, "writing", errno);
  }

  void rename_to_target() {
    if (close(std::exchange(descriptor_, -1)) != 0) fail(target_, "closing", errno);
    if (std::rename(name_.c_str(), target_.c_str()) != 0) fail(target_, "renaming", errno);
    renamed_ = true;
  }

 private:
  std::string target_, name_;
  int descriptor_ = -1;
  bool renamed_ = false;
};

}  // namespace

void replace_file(const std::string& path, std::span<const FilePart> parts, std::size_t size) {
  std::error_code ignored;
  const auto resolved = fs::is_symlink(fs::path(path), ignored) ? fs::weakly_canonical(path) : fs::path(path);
  const auto target = resolved.has_parent_path() ? resolved : fs::path(".") / resolved;
  // Renaming onto a device such as the null device would replace it.
  if (fs::exists(target, ignored) && !fs::is_regular_file(target, ignored)) {
    throw std::runtime_error(fmt::format("cannot write {}: it is not a regular file", path));
  }
  const HeldSignals held;
  TemporaryFile file(target);
  for (const auto& part : parts) file.write(part);
  file.finish(size);
  file.rename_to_target();
}

}  // namespace tokwatt::sim
