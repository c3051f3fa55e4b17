// Which replica gets a request.
#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/sim/support/toy.hpp"

using namespace tokwatt;
using namespace tokwatt::sim;
using tokwatt::test::values;

namespace {

constexpr Picoseconds kSecond = 1'000'000'000'000;

/// The replica of each request in turn, on a box of three devices.
std::vector<int32_t> replicas_of(Routing routing, std::vector<Arrival> arrivals, bool prefix_cache = false) {
  Input input = test::toy_input();
  input.systems[0].count = 3;
  input.deployments[0].replicas = 3;
  input.deployments[0].routing = routing;
  input.deployments[0].prefix_cache = prefix_cache;
  input.streams.push_back(test::fixed_stream(std::move(arrivals)));
  const auto stepping = GENERATE(Stepping::macro, Stepping::token);
  return values<int32_t>(simulate(std::move(input), stepping), "requests", "replica");
}

Arrival at(double seconds, int64_t prompt, int64_t output, uint64_t number = 0,
           std::shared_ptr<const Content> content = nullptr) {
  return {static_cast<Picoseconds>(seconds * static_cast<double>(kSecond)), prompt, output, number, std::move(content)};
}

}  // namespace

TEST_CASE("round-robin takes turns, however long requests are", "[sim][cluster]") {
  CHECK(replicas_of(Routing::round_robin, {at(1, 10, 500), at(2, 10, 1), at(3, 10, 1), at(4, 10, 1), at(5, 10, 1)}) ==
        std::vector<int32_t>{0, 1, 2, 0, 1});
}

TEST_CASE("least-loaded counts what runs and what waits, and takes the first of equals", "[sim][cluster]") {
  CHECK(replicas_of(Routing::least_loaded, {at(1, 10, 900), at(1.001, 10, 900), at(1.002, 10, 1), at(1.2, 10, 1),
                                            at(1.4, 10, 900)}) == std::vector<int32_t>{0, 1, 2, 2, 2});
  CHECK(replicas_of(Routing::least_loaded, {at(1, 10, 5), at(9, 10, 5), at(18, 10, 5)}) ==
        std::vector<int32_t>{0, 0, 0});
}

TEST_CASE("prefix-aware goes where most of the prompt is cached, unless that is little", "[sim][cluster]") {
  const auto text = [](uint64_t id, int64_t tokens) {
    return std::make_shared<const Content>(Content{{{id, tokens}, {id + 100, 1000}}, false});
  };
  // The first two lie on replicas 0 and 1; a third begins as the second did. A fourth shares too little: to the
  // least loaded.
  CHECK(replicas_of(Routing::prefix_aware,
                    {at(1, 160, 5, 0, text(1, 160)), at(1.0001, 160, 5, 1, text(2, 160)),
                     at(4, 200, 5, 2, text(2, 160)), at(7, 900, 5, 3, text(2, 160))},
                    true) == std::vector<int32_t>{0, 1, 1, 0});
}

TEST_CASE("replicas share no cache, so that a prompt may be computed twice", "[sim][cluster][prefix]") {
  const auto text = std::make_shared<const Content>(Content{{{7, 320}}, false});
  Input input = test::toy_input();
  input.systems[0].count = 2;
  input.deployments[0].replicas = 2;
  input.deployments[0].routing = Routing::round_robin;
  input.deployments[0].prefix_cache = true;
  input.streams.push_back(test::fixed_stream(
      {at(1, 320, 2, 0, text), at(3, 320, 2, 1, text), at(5, 320, 2, 2, text), at(7, 320, 2, 3, text)}));
  const Results r = simulate(std::move(input));
  CHECK(values<int64_t>(r, "requests", "cached") == std::vector<int64_t>{0, 0, 304, 304});
}

TEST_CASE("a box of equal devices is as many boxes", "[sim][cluster][energy]") {
  const auto run = [](bool one_box) {
    Input input = test::toy_input();
    if (one_box) {
      input.systems[0].count = 2;
    } else {
      input.systems.push_back(input.systems[0]);
      input.systems[1].name = "other";
      input.deployments[0].systems = {0, 1};
    }
    input.deployments[0].replicas = 2;
    input.streams.push_back(test::fixed_stream({at(1, 100, 50), at(1, 100, 50), at(1, 100, 20)}));
    return simulate(std::move(input)).summary;
  };
  const auto one = run(true), two = run(false);
  CHECK(one == two);
  CHECK(one["tokens"]["output"] == 120);
  CHECK(one["batch"]["max"] == 2);
}

TEST_CASE("a replica serves once its model is loaded", "[sim][cluster]") {
  Input input = test::toy_input();
  input.deployments[0].load_time = 5;
  input.streams.push_back(test::fixed_stream({at(1, 100, 5), at(2, 100, 5), at(9, 100, 5)}));
  const auto stepping = GENERATE(Stepping::macro, Stepping::token);
  const Results r = simulate(std::move(input), stepping);
  CHECK(values<double>(r, "requests", "admitted") == std::vector<double>{5, 5, 9});
  CHECK(values<double>(r, "events", "time") == std::vector<double>{5});
  CHECK(values<std::string>(r, "events", "text").front() == "toy is loaded on box");
}
