#include "sim/serving/own_text.hpp"

#include <utility>

#include "sim/random/mix.hpp"

namespace tokwatt::sim {
namespace {

constexpr uint64_t kOwnText = 0x6f776e2074657874;  // tells these texts from those of prefixes and sessions

}  // namespace

std::shared_ptr<const Content> with_own_text(const Request& r) {
  if (r.content && r.content->output_continues) return r.content;
  Content content = r.content ? *r.content : Content{};
  content.parts.push_back({mix(kOwnText, static_cast<uint64_t>(r.stream), r.number), 0});
  content.output_continues = true;
  return std::make_shared<const Content>(std::move(content));
}

}  // namespace tokwatt::sim
