#include "sim/event_queue.hpp"

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
