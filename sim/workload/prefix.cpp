#include "sim/workload/prefix.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/random/mix.hpp"

namespace tokwatt::sim {
namespace {

class PrefixedSource final : public RequestSource {
 public:
  PrefixedSource(std::unique_ptr<RequestSource> source, int64_t tokens, int64_t groups, StreamKey key)
      : source_(std::move(source)), tokens_(tokens), groups_(groups), key_(key) {}

  std::optional<Arrival> next(Picoseconds end) override {
    auto arrival = source_->next(end);
    if (!arrival) return arrival;
    Content content;
    if (arrival->content) content = *arrival->content;
    // What begins alike belongs together: the turns of a session.
    const uint64_t who = content.parts.empty() ? arrival->number : content.parts.front().id;
    const Distribution evenly{Uniform{0, static_cast<double>(groups_)}, {}, {}};
    const auto group = static_cast<uint64_t>(
        std::min(std::floor(draw(evenly, key_, Purpose::prefix, who)), static_cast<double>(groups_ - 1)));
    content.parts.insert(content.parts.begin(), Part{mix(key_.stream, group, kPrefix), tokens_});
    arrival->prompt += tokens_;
    arrival->content = std::make_shared<const Content>(std::move(content));
    return arrival;
  }

  bool closed() const override { return source_->closed(); }
  void left(uint64_t number, Picoseconds now, Picoseconds pause, int64_t output) override {
    source_->left(number, now, pause, output);
  }
  RowCounts rows() const override { return source_->rows(); }

 private:
  static constexpr uint64_t kPrefix = 0x7072656669780000;  // tells these texts from a session's

  std::unique_ptr<RequestSource> source_;
  int64_t tokens_, groups_;
  StreamKey key_;
};

}  // namespace

std::unique_ptr<RequestSource> prefixed_source(std::unique_ptr<RequestSource> source, int64_t tokens, int64_t groups,
                                               StreamKey key) {
  return std::make_unique<PrefixedSource>(std::move(source), tokens, groups, key);
}

}  // namespace tokwatt::sim
