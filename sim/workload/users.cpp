#include "sim/workload/users.hpp"

#include <algorithm>
#include <deque>
#include <utility>

namespace tokwatt::sim {
namespace {

class UsersSource final : public RequestSource {
 public:
  UsersSource(int64_t users, Distribution think, Distribution prompt, Distribution output, StreamKey key)
      : users_(static_cast<uint64_t>(users)),
        think_(std::move(think)),
        prompt_(std::move(prompt)),
        output_(std::move(output)),
        key_(key) {}

  std::optional<Arrival> next(Picoseconds end) override {
    while (next_user_ < users_ || !thinking_.empty()) {
      const bool first = next_user_ < users_;
      const Message message = first ? Message{next_user_, thought(next_user_)} : thinking_.front();
      if (first) {
        ++next_user_;
      } else {
        thinking_.pop_front();
      }
      if (message.at >= end) continue;
      return Arrival{message.at, draw_tokens(prompt_, key_, Purpose::prompt, message.number),
                     draw_tokens(output_, key_, Purpose::output, message.number), message.number};
    }
    return std::nullopt;
  }

  bool closed() const override { return true; }

  void left(uint64_t number, Picoseconds now, Picoseconds pause, int64_t) override {
    const uint64_t following = number + users_;
    const Picoseconds think = std::max(pause, thought(following));
    if (think < kNever - now) thinking_.push_back({following, now + think});
  }

 private:
  struct Message {
    uint64_t number;
    Picoseconds at;
  };

  // A normal distribution has negative draws.
  Picoseconds thought(uint64_t number) const {
    return std::max<Picoseconds>(0, picoseconds(draw(think_, key_, Purpose::think, number)));
  }

  uint64_t users_;
  Distribution think_, prompt_, output_;
  StreamKey key_;
  uint64_t next_user_ = 0;        // who has not begun
  std::deque<Message> thinking_;  // to be handed out
};

}  // namespace

std::unique_ptr<RequestSource> users_source(int64_t users, Distribution think, Distribution prompt, Distribution output,
                                            StreamKey key) {
  return std::make_unique<UsersSource>(users, std::move(think), std::move(prompt), std::move(output), key);
}

}  // namespace tokwatt::sim
