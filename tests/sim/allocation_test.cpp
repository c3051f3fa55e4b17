// The event loop in its steady state asks for no memory: every operator new of this program is counted.
#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <utility>

#include "tests/catch.hpp"
#include "tests/sim/support/toy.hpp"

namespace {
std::atomic<int64_t> allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size > 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {  // std::stable_sort's
  ++allocations;
  return std::malloc(size > 0 ? size : 1);
}
// Not inlined: GCC 12 would see std::free of what another operator new gave.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace tokwatt;
using namespace tokwatt::sim;

namespace {

// Between two doublings of whatever holds an entry a request (8,192 and 16,384).
constexpr uint64_t kWarm = 9'000, kRequests = 16'000;

/// Requests at even distances, in lengths that come again and again; says when each is fetched.
class Regular final : public RequestSource {
 public:
  explicit Regular(std::function<void(uint64_t)> fetched) : fetched_(std::move(fetched)) {}
  std::optional<Arrival> next(Picoseconds) override {
    fetched_(number_);
    if (number_ == kRequests) return std::nullopt;
    const auto n = static_cast<int64_t>(number_++);
    return Arrival{picoseconds(0.5) * n, 20 + n % 7, 3 + n % 11, static_cast<uint64_t>(n)};
  }

 private:
  std::function<void(uint64_t)> fetched_;
  uint64_t number_ = 0;
};

/// Allocations of a run once it is warm.
int64_t in_steady_state(Input input) {
  int64_t at_warm = -1, at_end = -1;
  input.streams[0].source = std::make_unique<Regular>([&](uint64_t number) {
    if (number == kWarm) at_warm = allocations;
    if (number == kRequests) at_end = allocations;
  });
  input.duration.reset();
  simulate(std::move(input), Stepping::macro);
  REQUIRE(at_warm > 0);
  return at_end - at_warm;
}

Input busy_toy() {
  Input input = test::toy_input();
  input.streams.push_back(test::fixed_stream({}));
  input.record_every = picoseconds(86'400);
  return input;
}

}  // namespace

TEST_CASE("memory is counted where it is asked for", "[sim][speed]") {
  const int64_t before = allocations;
  const auto one = std::make_unique<int>(1);
  CHECK(allocations == before + 1);
}

TEST_CASE("in its steady state the fast loop asks for no memory", "[sim][speed]") {
  Input input = busy_toy();
  input.record_requests = false;
  CHECK(in_steady_state(std::move(input)) == 0);
}

TEST_CASE("records of requests ask for more only when a column doubles", "[sim][speed]") {
  CHECK(in_steady_state(busy_toy()) <= 9);  // the columns of segments, of which there are several a request
}
