#include "sim/event_queue.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <vector>

#include "tests/catch.hpp"

using namespace tokwatt::sim;

TEST_CASE("events at one instant come in the order that the theory page gives", "[sim][time]") {
  EventQueue queue;
  const std::vector<EventKind> order = {EventKind::step_end,  EventKind::tick,    EventKind::sample,
                                        EventKind::change,    EventKind::give_up, EventKind::arrival,
                                        EventKind::step_start};
  for (auto kind = order.rbegin(); kind != order.rend(); ++kind) queue.push({7, *kind});
  for (const EventKind kind : order) CHECK(queue.pop_until(7)->kind == kind);
  CHECK_FALSE(queue.pop_until(kNever));
}

TEST_CASE("events of one kind come by subject, then first in, first out; later ones wait", "[sim][time]") {
  EventQueue queue;
  queue.push({7, EventKind::arrival, 1, 0, 10});
  queue.push({7, EventKind::arrival, 0, 0, 20});
  queue.push({7, EventKind::arrival, 1, 0, 30});
  queue.push({8, EventKind::step_end, 0, 0, 40});
  std::vector<uint64_t> details;
  while (const auto event = queue.pop_until(7)) details.push_back(event->detail);
  CHECK(details == std::vector<uint64_t>{20, 10, 30});
  CHECK(queue.pop_until(8)->detail == 40);
}

TEST_CASE("steps end in their order of an instant, whatever they have been said to end before", "[sim][time]") {
  EventQueue queue(3);
  queue.push({7, EventKind::tick, 5});
  queue.push({7, EventKind::tell, 4});
  queue.push_last({6, EventKind::step_start, 3});
  queue.set_step_end(2, 9);
  queue.set_step_end(1, 7);
  queue.set_step_end(0, 8);
  queue.set_step_end(2, 7);
  std::vector<std::pair<EventKind, int32_t>> events;
  while (const auto event = queue.pop_until(7)) events.emplace_back(event->kind, event->subject);
  CHECK(events == std::vector<std::pair<EventKind, int32_t>>{{EventKind::step_start, 3},
                                                             {EventKind::tell, 4},
                                                             {EventKind::step_end, 1},
                                                             {EventKind::step_end, 2},
                                                             {EventKind::tick, 5}});
  queue.set_step_end(0, kNever);
  CHECK_FALSE(queue.pop_until(kNever));
}

TEST_CASE("the first of all ends of steps is known, whichever moves", "[sim][time]") {
  CHECK(rc::check([] {
    const auto replicas = *rc::gen::inRange<std::size_t>(1, 12);
    StepEnds ends(replicas);
    std::vector<Picoseconds> plain(replicas, kNever);
    for (const int move : *rc::gen::container<std::vector<int>>(50, rc::gen::inRange(0, 1000))) {
      const auto replica = static_cast<std::size_t>(move) % replicas;
      plain[replica] = move % 7 == 0 ? kNever : *rc::gen::inRange<int64_t>(0, 20);
      ends.set(static_cast<int32_t>(replica), plain[replica]);
      const auto first = std::min_element(plain.begin(), plain.end());
      RC_ASSERT(ends.first_at() == *first);
      if (*first < kNever) RC_ASSERT(ends.first() == first - plain.begin());
    }
  }));
}

TEST_CASE("however pushes and pops follow each other, the earliest event comes first", "[sim][time]") {
  CHECK(rc::check([] {
    EventQueue queue;
    std::vector<Event> waiting;
    uint64_t pushed = 0;
    for (const bool push : *rc::gen::container<std::vector<bool>>(200, rc::gen::arbitrary<bool>())) {
      if (push) {
        Event event{*rc::gen::inRange<int64_t>(0, 20), EventKind::arrival, *rc::gen::inRange(0, 3)};
        queue.push(event);
        event.sequence = pushed++;
        waiting.push_back(event);
        continue;
      }
      const auto first = std::min_element(waiting.begin(), waiting.end(), before);
      const auto popped = queue.pop_until(15);
      RC_ASSERT(popped.has_value() == (first != waiting.end() && first->time <= 15));
      if (!popped) continue;
      RC_ASSERT(popped->order() == first->order());
      waiting.erase(first);
    }
  }));
}
