#pragma once
// Random boxes, engines and models: what serves in random simulations.
#include <initializer_list>

#include "sim/input.hpp"
#include "tests/sim/support/random_input.hpp"

namespace tokwatt::test {

class Dice {
 public:
  explicit Dice(const Draw& draw) : draw_(draw) {}
  int64_t in(int64_t low, int64_t high) { return draw_(low, high); }
  double real(double low, double high) {
    return low + (high - low) * static_cast<double>(in(0, kFine)) / static_cast<double>(kFine);
  }
  bool chance(double p) { return real(0, 1) > 1 - p; }
  template <class T>
  T pick(std::initializer_list<T> options) {
    return *(options.begin() + in(0, static_cast<int64_t>(options.size()) - 1));
  }

 private:
  static constexpr int64_t kFine = 1'000'003;
  const Draw& draw_;
};

hardware::Box random_box(Dice& dice);
void add_fan(Dice& dice, hardware::Box& box);
models::Architecture random_model(Dice& dice);
models::Engine random_engine(Dice& dice);
/// A smaller model, or a head, drafts for the deployment. Layers go where both had too many kinds of attention.
void speculate(Dice& dice, sim::Deployment& d);

}  // namespace tokwatt::test
