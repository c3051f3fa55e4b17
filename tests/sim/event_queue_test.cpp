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
