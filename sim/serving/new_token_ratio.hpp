#pragma once
// What an engine keeps free for the output of those who run before it admits another: SGLang's new_token_ratio
// (docs/theory/scheduling.md). Shared by both steppings. All amounts are tokens.
#include <algorithm>
#include <cmath>
#include <optional>

#include "models/engine.hpp"

namespace tokwatt::sim {

class NewTokenRatio {
 public:
  explicit NewTokenRatio(const std::optional<models::NewTokenRatio>& rules) : in_use_(rules.has_value()) {
    if (!rules) return;
    rules_ = *rules;
    initial_ = std::llround(rules->initial * kOne);
    least_ = std::llround(rules->initial * rules->least * kOne);
    decay_ = (initial_ - least_) / rules->decay_steps;
    ratio_ = initial_;
  }

  bool in_use() const { return in_use_; }
  /// What a request may still ask for, as far as the engine looks ahead.
  int64_t expected(int64_t output, int64_t produced) const { return std::min(output - produced, rules_.clip); }

  /// A step begins, and with it a round of admissions; right behind another step, or after a pause.
  void begin_step(bool follows, bool anybody_decodes, bool prompts_are_begun) {
    if (!follows || (full_ && !anybody_decodes && !prompts_are_begun)) ratio_ = initial_;
    if (!follows || !anybody_decodes) full_ = left_ = false;
    promised_ = 0;
  }
  /// Somebody had to wait for room: nobody else is tried until somebody who decodes has left.
  void fill() { full_ = in_use_; }
  bool full() const { return full_; }
  /// Whether `needed` tokens find room in what is free, beside what is promised in this step and a share of what those
  /// who decode are expected to ask for. Notes it if not.
  bool admits(int64_t needed, int64_t free, int64_t expected_of_decoding) {
    const int64_t held = promised_ + ((expected_of_decoding * ratio_) >> kBits);
    full_ = needed >= free - held;
    return !full_;
  }
  /// A prompt ends in this step: all that it is expected to ask for is kept free for the rest of the round.
  void promise(int64_t tokens) { promised_ += tokens; }

  /// Requests have left at the end of a step, which is noticed when the next one begins that decodes.
  void left(bool step_decoded) {
    if (step_decoded) {
      left_ = true;
    } else {
      full_ = false;
    }
  }
  /// A step decodes. Returns whether those who wait are tried again from the next one on.
  bool decode(bool retracted) {
    const bool again = full_ && (left_ || retracted);
    if (again) full_ = false;
    left_ = false;
    return again;
  }
  /// So many steps of decoding have ended.
  void decay(int64_t steps) {
    if (!in_use_) return;
    if (just_set_) --steps;
    just_set_ = false;
    // After a preemption it may stand above where it begins: more steps than decay_steps away from the least.
    if (steps > 0) ratio_ = std::max(ratio_ - decay_ * std::min(steps, kOne), least_);
  }
  /// Requests were preempted. The others have produced and asked for so much together.
  void set(int64_t produced, int64_t asked, int64_t members) {
    ratio_ = std::min(((produced + rules_.retract_steps * members) << kBits) / (asked + 1), kOne);
    just_set_ = true;
  }

 private:
  static constexpr int kBits = 20;
  static constexpr int64_t kOne = int64_t{1} << kBits;

  bool in_use_;
  models::NewTokenRatio rules_;
  int64_t initial_ = 0, least_ = 0, decay_ = 0, ratio_ = 0;  // in 2^-kBits
  int64_t promised_ = 0;
  bool full_ = false, left_ = false, just_set_ = false;
};

}  // namespace tokwatt::sim
