#include "sim/workload/sessions.hpp"

#include <algorithm>

#include "tests/catch.hpp"

using namespace tokwatt::sim;

namespace {

constexpr Picoseconds kSecond = 1'000'000'000'000;
const StreamKey kKey = stream_key(5, "chats");

Distribution constant(double value) { return {Constant{value}, {}, {}}; }

SessionShape shape() { return {constant(3), constant(10), constant(100), constant(20)}; }

std::vector<Arrival> known(RequestSource& source, Picoseconds end = kNever) {
  std::vector<Arrival> all;
  while (const auto arrival = source.next(end)) all.push_back(*arrival);
  return all;
}

}  // namespace

TEST_CASE("each turn of a session has all that was said before in front of it", "[sim][sessions]") {
  const auto source = user_sessions_source(1, shape(), kKey);
  CHECK(source->closed());
  std::vector<int64_t> prompts;
  std::vector<Picoseconds> sent;
  std::vector<uint64_t> texts;
  Picoseconds now = 0;
  for (int turn = 0; turn < 4; ++turn) {
    const auto turns = known(*source);
    REQUIRE(turns.size() == 1);
    prompts.push_back(turns[0].prompt);
    sent.push_back((turns[0].at - now) / kSecond);
    REQUIRE(turns[0].content->parts.size() == 1);
    CHECK(turns[0].content->parts[0].tokens == turns[0].prompt);
    CHECK(turns[0].content->output_continues);
    texts.push_back(turns[0].content->parts[0].id);
    now = turns[0].at + 7 * kSecond;
    source->left(turns[0].number, now, 0, turns[0].output);
  }
  CHECK(prompts == std::vector<int64_t>{100, 220, 340, 100});  // and then another session
  CHECK(sent == std::vector<Picoseconds>{10, 10, 10, 10});
  CHECK((texts[0] == texts[1] && texts[1] == texts[2] && texts[2] != texts[3]));
}

TEST_CASE("a user begins a session after thinking, and no sooner than a pause allows", "[sim][sessions]") {
  const auto source = user_sessions_source(3, shape(), kKey);
  const auto first = known(*source);
  REQUIRE(first.size() == 3);
  for (const auto& turn : first) CHECK(turn.at == 10 * kSecond);
  source->left(first[1].number, 20 * kSecond, 15 * kSecond, first[1].output);  // rejected
  CHECK(known(*source).front().at == 35 * kSecond);
}

TEST_CASE("the turn after an answer that was cut short repeats what came of it", "[sim][sessions]") {
  const auto source = user_sessions_source(1, shape(), kKey);
  const auto first = known(*source).front();
  source->left(first.number, 20 * kSecond, 0, 3);
  const auto cut = known(*source).front();
  const auto whole_source = user_sessions_source(1, shape(), kKey);
  whole_source->left(known(*whole_source).front().number, 20 * kSecond, 0, first.output);
  CHECK(known(*whole_source).front().prompt - cut.prompt == first.output - 3);
}

TEST_CASE("sessions that arrive begin with a turn and end with the last", "[sim][sessions]") {
  const auto source = arriving_sessions_source({GapProcess::constant, 1, {{0.5, 10}}}, shape(), kKey);
  auto turns = known(*source);
  REQUIRE(turns.size() == 5);
  CHECK(turns[0].at == 2 * kSecond);
  CHECK(turns[4].at == 10 * kSecond);
  int64_t sent = 0;
  while (!turns.empty()) {
    sent += std::ssize(turns);
    for (const auto& turn : turns) source->left(turn.number, turn.at + kSecond, 0, turn.output);
    turns = known(*source);
  }
  CHECK(sent == 15);
}

TEST_CASE("sessions that begin at or after the end are not begun", "[sim][sessions]") {
  const auto source = arriving_sessions_source({GapProcess::constant, 1, {{0.5, 10}}}, shape(), kKey);
  CHECK(known(*source, 6 * kSecond).size() == 2);
  SessionShape slow = shape();
  slow.think = constant(1e7);  // 116 days
  CHECK(known(*user_sessions_source(4, slow, kKey), kLongestDuration).empty());
}

TEST_CASE("what a session draws depends on no other", "[sim][sessions]") {
  SessionShape drawn = shape();
  drawn.think = {Exponential{10}, {}, {}};
  drawn.prompt = {Uniform{1, 1000}, {}, {}};
  const auto few = user_sessions_source(2, drawn, kKey), many = user_sessions_source(2, drawn, kKey);
  const auto a = known(*few), b = known(*many);
  REQUIRE((a.size() == 2 && b.size() == 2));
  few->left(a[0].number, 100 * kSecond, 0, a[0].output);
  many->left(b[1].number, 50 * kSecond, 0, b[1].output);
  known(*many);
  many->left(b[0].number, 100 * kSecond, 0, b[0].output);
  const auto x = known(*few), y = known(*many);
  REQUIRE((x.size() == 1 && y.size() == 1));
  CHECK(x[0].at == y[0].at);
  CHECK(x[0].prompt == y[0].prompt);
  CHECK(x[0].number == y[0].number);
}

TEST_CASE("the number of turns is drawn per session", "[sim][sessions]") {
  SessionShape drawn = shape();
  drawn.turns = {Uniform{1, 9}, {}, {}};
  const auto source = arriving_sessions_source({GapProcess::constant, 1, {{1, 2000}}}, drawn, kKey);
  auto turns = known(*source);
  const double sessions = static_cast<double>(turns.size());
  double sent = 0;
  while (!turns.empty()) {
    sent += static_cast<double>(turns.size());
    for (const auto& turn : turns) source->left(turn.number, turn.at, 0, turn.output);
    turns = known(*source);
  }
  CHECK(sent / sessions == Approx(5).margin(5 * 2.4 / 44));  // five standard errors
}
