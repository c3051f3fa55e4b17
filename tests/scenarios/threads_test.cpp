// Scenarios side by side on threads of our own, for ThreadSanitizer, whose preset runs this alone: Debian's libtbb is
// not built with it, and whatever TBB's tasks hand from thread to thread looks unsynchronised to it.
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "scenarios/studies/draws.hpp"
#include "sim/simulation.hpp"
#include "tests/catch.hpp"
#include "tests/scenarios/wrong.hpp"

namespace tokwatt::scenarios {
namespace {

std::vector<std::string> scenarios_of_all_kinds() {
  const std::string prices = "prices: {electricity: 0.15 USD/kWh}\n";
  return {
      kGood,
      kGood + prices + "plan: {months: 12, growth: 5 %/month, against: [gpt-5-mini, rent-h100], power_between: idle}\n",
      kGood + "start: \"2026-11-23 09:00\"\nprices: {tariff: pge-e-tou-c}\n",
      with("{sheet: dgx-spark}", "{sheet: mac-studio-m3-ultra-80c-512}"),
      with("users: 12", "users: 40"),
  };
}

std::string summary_of(const std::string& text, int64_t draw) {
  const auto load = [&] { return load_text("desk.yaml", text, "", {"duration=5 min"}); };
  try {
    return sim::simulate(with_draw(load, draw)().input).summary.dump();
  } catch (const Infeasible& error) {  // vLLM on a Mac: the refusal has its own texts
    return error.what();
  }
}

}  // namespace

TEST_CASE("scenarios read and simulated side by side give what they give one after another", "[scenarios][threads]") {
  const auto texts = scenarios_of_all_kinds();
  constexpr std::size_t kThreads = 4;
  std::vector<std::vector<std::string>> said(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < texts.size(); ++i)
        said[t].push_back(summary_of(texts[(i + t) % texts.size()], static_cast<int64_t>((i + t) % texts.size())));
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t t = 0; t < kThreads; ++t) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::size_t which = (i + t) % texts.size();
      CHECK(said[t][i] == summary_of(texts[which], static_cast<int64_t>(which)));
    }
  }
}

}  // namespace tokwatt::scenarios
