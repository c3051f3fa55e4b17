#include "sim/workload/sessions.hpp"

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <utility>

namespace tokwatt::sim {
namespace {

// A turn's number names its session and its place there, so that what is drawn for it depends on no other.
constexpr uint32_t kTurnBits = 20;
static_assert(kMostTurns < (int64_t{1} << kTurnBits));

uint64_t number_of(uint64_t session, uint64_t turn) { return session << kTurnBits | turn; }
uint64_t session_of(uint64_t number) { return number >> kTurnBits; }
uint64_t turn_of(uint64_t number) { return number & ((uint64_t{1} << kTurnBits) - 1); }

// Turns of sessions that are under way; when sessions begin is up to those below.
class SessionsSource : public RequestSource {
 public:
  SessionsSource(SessionShape shape, StreamKey key) : shape_(std::move(shape)), key_(key) {}

  bool closed() const override { return true; }

  std::optional<Arrival> next(Picoseconds end) override {
    while (!turns_.empty() || begin_session(end)) {
      if (turns_.empty()) continue;  // it begins later than time goes
      const Turn turn = turns_.front();
      turns_.pop_front();
      if (turn.at < end) return arrival(turn);
    }
    return std::nullopt;
  }

  // Of an answer that was cut short the next turn repeats what came of it.
  void left(uint64_t number, Picoseconds now, Picoseconds pause, int64_t output) override {
    const uint64_t session = session_of(number);
    const auto turns =
        static_cast<uint64_t>(std::min(kMostTurns, draw_tokens(shape_.turns, key_, Purpose::turns, session)));
    if (turn_of(number) + 1 < turns) {
      said_before_[session] += output;
      send_after(std::max(pause, thought(number + 1)), now, number + 1);
    } else {
      said_before_.erase(session);
      end_session(session, now, pause);
    }
  }

 protected:
  /// Sends the first turn of the next session that depends on none before; false when none is left before `end`.
  virtual bool begin_session(Picoseconds end) = 0;
  /// The last turn of a session has left.
  virtual void end_session(uint64_t session, Picoseconds now, Picoseconds pause) = 0;

  Picoseconds thought(uint64_t number) const { return picoseconds(draw(shape_.think, key_, Purpose::think, number)); }
  void send_after(Picoseconds rest, Picoseconds now, uint64_t number) {
    if (rest < kNever - now) turns_.push_back({number, now + rest});
  }

 private:
  struct Turn {
    uint64_t number;
    Picoseconds at;
  };

  Arrival arrival(const Turn& turn) {
    const uint64_t session = session_of(turn.number);
    const int64_t output = draw_tokens(shape_.output, key_, Purpose::output, turn.number);
    int64_t& said_before = said_before_[session];
    const int64_t prompt = said_before + draw_tokens(shape_.prompt, key_, Purpose::prompt, turn.number);
    said_before = prompt;
    const Content content{{{draw_id(key_, Purpose::text, session), prompt}}, true};
    return {turn.at, prompt, output, turn.number, std::make_shared<const Content>(content)};
  }

  SessionShape shape_;
  StreamKey key_;
  std::deque<Turn> turns_;                             // to be handed out
  std::unordered_map<uint64_t, int64_t> said_before_;  // tokens, by session under way; only looked up, never listed
};

class ArrivingSessionsSource final : public SessionsSource {
 public:
  ArrivingSessionsSource(const ArrivalProcess& begin, SessionShape shape, StreamKey key)
      : SessionsSource(std::move(shape), key), begins_(begin, key), next_(begins_.next()) {}

 private:
  bool begin_session(Picoseconds end) override {
    if (!next_ || *next_ >= end) return false;
    send_after(0, *next_, number_of(sessions_++, 0));
    next_ = begins_.next();
    return true;
  }
  void end_session(uint64_t, Picoseconds, Picoseconds) override {}

  ArrivalTimes begins_;
  std::optional<Picoseconds> next_;  // beginning of session sessions_
  uint64_t sessions_ = 0;
};

// Session s is of user s % users.
class UserSessionsSource final : public SessionsSource {
 public:
  UserSessionsSource(int64_t users, SessionShape shape, StreamKey key)
      : SessionsSource(std::move(shape), key), users_(static_cast<uint64_t>(users)) {}

 private:
  bool begin_session(Picoseconds) override {
    if (next_user_ == users_) return false;
    begin(next_user_++, 0, 0);
    return true;
  }
  void end_session(uint64_t session, Picoseconds now, Picoseconds pause) override {
    begin(session + users_, now, pause);
  }
  void begin(uint64_t session, Picoseconds now, Picoseconds pause) {
    const uint64_t number = number_of(session, 0);
    send_after(std::max(pause, thought(number)), now, number);
  }

  uint64_t users_;
  uint64_t next_user_ = 0;  // who has not begun
};

}  // namespace

std::unique_ptr<RequestSource> arriving_sessions_source(const ArrivalProcess& begin, SessionShape shape,
                                                        StreamKey key) {
  return std::make_unique<ArrivingSessionsSource>(begin, std::move(shape), key);
}

std::unique_ptr<RequestSource> user_sessions_source(int64_t users, SessionShape shape, StreamKey key) {
  return std::make_unique<UserSessionsSource>(users, std::move(shape), key);
}

}  // namespace tokwatt::sim
