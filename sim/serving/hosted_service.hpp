#pragma once
// A model that somebody else serves: what its clients see of it, and what it charges (docs/theory/hosted.md). Each
// request is answered by itself, as quickly as was drawn for it; only the provider's rate limits make it wait.
#include <deque>
#include <optional>
#include <vector>

#include "sim/input.hpp"
#include "sim/results/histogram.hpp"
#include "sim/serving/meter.hpp"
#include "sim/serving/prefix_cache.hpp"
#include "sim/serving/request.hpp"
#include "sim/serving/serving.hpp"

namespace tokwatt::sim {

/// A provider's limit of so many units a minute: a bucket of a minute's worth, full at first, filled all the time (the
/// virtual scheduling algorithm of ITU-T I.371).
class RateLimit {
 public:
  explicit RateLimit(const std::optional<double>& per_minute);
  /// When so many units may pass, at `now` or later. More than fit into the bucket need a full one.
  Picoseconds allows_at(double units, Picoseconds now) const;
  void pass(double units, Picoseconds now);

 private:
  double time_per_unit_;       // [ps]; 0: no limit
  Picoseconds full_from_ = 0;  // when the bucket is full again
};

/// What is left of a free tier.
class FreeAllowance {
 public:
  explicit FreeAllowance(const std::vector<Hosted::Free>& limits);
  /// Takes what a request may have of it, and says which share of the request that is.
  double take(double tokens, Picoseconds now);

 private:
  struct Limit {
    Hosted::Free of;
    int64_t span = -1;  // number of the one that `left` is of
    double left = 0;
  };
  std::vector<Limit> limits_;
};

class HostedService {
 public:
  HostedService(const Hosted& hosted, const std::vector<Stream>& streams, RequestPool& pool);

  /// A request is sent.
  void arrive(RequestId id) { waiting_.push_back(id); }
  /// Those that the rate limits let pass now, in the order in which they came.
  const std::vector<RequestId>& take(Picoseconds now);
  /// When take() is due again; nothing where nobody waits or that was said before.
  std::optional<Picoseconds> next_take(Picoseconds now);
  /// Of a request that was taken.
  Picoseconds first_token_at(RequestId id) const { return answer(id).first_token; }
  Picoseconds ends_at(RequestId id) const { return answer(id).end; }
  void give_first_token(RequestId id);
  /// A request leaves, at the end of its answer or before: it has the tokens that are out, and pays for them. Gaps
  /// between them go to `gaps`.
  void leave(RequestId id, Picoseconds now, Histogram& gaps);

  /// Tokens of an answer that are out.
  int64_t produced(RequestId id, Picoseconds now) const;
  Load load() const { return {std::ssize(running_), std::ssize(waiting_), 0}; }
  /// Tokens and the time that answers took: nothing is known of the energy.
  Meter meter(Picoseconds now) const;
  int64_t batch_max() const { return batch_max_; }
  double cost_usd() const { return cost_usd_; }

 private:
  struct Answer {  // by RequestId
    Picoseconds taken = 0, first_token = 0, gap = 0, end = 0;
    std::size_t place = 0;  // in running_
  };
  const Answer& answer(RequestId id) const { return answers_[static_cast<std::size_t>(id)]; }
  int64_t out_by(RequestId id, Picoseconds now) const;
  Picoseconds allowed_at(const Request& r, Picoseconds now) const;
  void start(RequestId id, Picoseconds now);
  void stop_running(RequestId id, Picoseconds now);

  const Hosted& hosted_;
  const std::vector<Stream>& streams_;
  RequestPool& pool_;
  RateLimit requests_limit_, tokens_limit_;
  FreeAllowance free_;
  PrefixCache cache_;
  std::deque<RequestId> waiting_;
  std::vector<RequestId> running_, taken_;
  std::vector<Answer> answers_;
  std::optional<Picoseconds> told_;
  Picoseconds busy_since_ = 0;
  Meter done_;
  int64_t batch_max_ = 0;
  double cost_usd_ = 0;
};

}  // namespace tokwatt::sim
