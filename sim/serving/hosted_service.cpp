#include "sim/serving/hosted_service.hpp"

#include <algorithm>
#include <cmath>

#include "sim/random/mix.hpp"

namespace tokwatt::sim {
namespace {

constexpr int64_t kBlock = 128;            // tokens: providers cache prompts in pieces of this size
constexpr int64_t kCachedBlocks = 80'000;  // ten million tokens: an account's last minutes

constexpr double kLeastTtft = 1e-3;  // of what comes over a network: of nothing, quick clients would never end [s]
constexpr Picoseconds kMinute = 60'000'000'000'000;

}  // namespace

RateLimit::RateLimit(const std::optional<double>& per_minute)
    : time_per_unit_(per_minute ? static_cast<double>(kMinute) / *per_minute : 0) {}

Picoseconds RateLimit::allows_at(double units, Picoseconds now) const {
  const double taken = std::min(units * time_per_unit_, static_cast<double>(kMinute));
  return std::max<Picoseconds>(now, full_from_ + std::llround(taken) - kMinute);
}

void RateLimit::pass(double units, Picoseconds now) {
  full_from_ = std::max(full_from_, now) + std::llround(units * time_per_unit_);
}

FreeAllowance::FreeAllowance(const std::vector<Hosted::Free>& limits) {
  for (const auto& limit : limits) limits_.push_back({limit});
}

// Requests are free as a whole or not at all, but for the one that takes the last of it.
double FreeAllowance::take(double tokens, Picoseconds now) {
  if (limits_.empty()) return 0;
  double share = 1;
  for (auto& limit : limits_) {
    if (now / limit.of.span != limit.span) limit = {limit.of, now / limit.of.span, limit.of.units};
    share = std::min(share, limit.left / (limit.of.is_of_requests ? 1 : tokens));
  }
  for (auto& limit : limits_) limit.left -= share * (limit.of.is_of_requests ? 1 : tokens);
  return share;
}

HostedService::HostedService(const Hosted& hosted, const std::vector<Stream>& streams, RequestPool& pool)
    : hosted_(hosted),
      streams_(streams),
      pool_(pool),
      requests_limit_(hosted.requests_per_minute),
      tokens_limit_(hosted.tokens_per_minute),
      free_(hosted.free),
      cache_(kBlock) {}

Picoseconds HostedService::allowed_at(const Request& r, Picoseconds now) const {
  return std::max(requests_limit_.allows_at(1, now),
                  tokens_limit_.allows_at(static_cast<double>(r.prompt + r.output), now));
}

const std::vector<RequestId>& HostedService::take(Picoseconds now) {
  taken_.clear();
  while (!waiting_.empty() && allowed_at(pool_[waiting_.front()], now) == now) {
    const RequestId id = waiting_.front();
    waiting_.pop_front();
    start(id, now);
    taken_.push_back(id);
  }
  return taken_;
}

std::optional<Picoseconds> HostedService::next_take(Picoseconds now) {
  if (waiting_.empty()) return std::nullopt;
  const Picoseconds at = allowed_at(pool_[waiting_.front()], now);
  if (told_ == at) return std::nullopt;
  told_ = at;
  return at;
}

// A retry of the same request is another one to the provider.
void HostedService::start(RequestId id, Picoseconds now) {
  Request& r = pool_[id];
  requests_limit_.pass(1, now);
  tokens_limit_.pass(static_cast<double>(r.prompt + r.output), now);
  const StreamKey key = streams_[static_cast<std::size_t>(r.stream)].key;
  const uint64_t number = r.attempt == 0 ? r.number : mix(r.number, static_cast<uint64_t>(r.attempt));
  const double ttft = std::max(draw(hosted_.ttft, key, Purpose::hosted_ttft, number), kLeastTtft);
  const double speed = std::max(draw(hosted_.speed, key, Purpose::hosted_speed, number), Hosted::kLeastSpeed);
  if (static_cast<std::size_t>(id) >= answers_.size()) answers_.resize(static_cast<std::size_t>(id) + 1);
  Answer& a = answers_[static_cast<std::size_t>(id)];
  a.taken = now;
  a.first_token = now + picoseconds(ttft);
  a.gap = std::max<Picoseconds>(picoseconds(1 / speed), 1);
  a.end = static_cast<Picoseconds>(std::min(a.first_token + int128{a.gap} * (r.output - 1), int128{kNever}));
  a.place = running_.size();
  if (running_.empty()) busy_since_ = now;
  running_.push_back(id);
  batch_max_ = std::max<int64_t>(batch_max_, std::ssize(running_));
  r.admitted = now;
  if (!r.content || !hosted_.price.cached) return;
  const auto hit = cache_.find(r.content, (r.prompt - 1) / kBlock);
  cache_.hold(id, r.content, hit.blocks);
  r.cached = hit.blocks * kBlock;
}

void HostedService::give_first_token(RequestId id) {
  Request& r = pool_[id];
  r.first_token = answer(id).first_token;
  if (r.content && hosted_.price.cached) cache_.enter(id, r.content, r.prompt / kBlock);
}

int64_t HostedService::produced(RequestId id, Picoseconds now) const {
  return std::find(waiting_.begin(), waiting_.end(), id) == waiting_.end() ? out_by(id, now) : 0;
}

int64_t HostedService::out_by(RequestId id, Picoseconds now) const {
  const Answer& a = answer(id);
  if (now < a.first_token) return 0;
  return std::min(pool_[id].output, 1 + (now - a.first_token) / a.gap);
}

void HostedService::stop_running(RequestId id, Picoseconds now) {
  const std::size_t place = answer(id).place;
  running_[place] = running_.back();
  answers_[static_cast<std::size_t>(running_[place])].place = place;
  running_.pop_back();
  if (running_.empty()) done_[Quantity::busy_time] += now - busy_since_;
}

void HostedService::leave(RequestId id, Picoseconds now, Histogram& gaps) {
  if (std::erase(waiting_, id) > 0) return;
  Request& r = pool_[id];
  const Answer& a = answer(id);
  r.produced = out_by(id, now);
  done_[Quantity::running_time] += now - a.taken;
  if (r.produced > 0) {
    r.last_token = a.first_token + a.gap * (r.produced - 1);
    if (r.produced > r.thinking) r.first_answer = a.first_token + a.gap * r.thinking;
    if (r.produced > 1) gaps.add({a.gap, 0}, r.produced - 1, 1);
    done_[Quantity::prompt_tokens] += r.prompt - r.cached;
    done_[Quantity::output_tokens] += r.produced;
  }
  if (r.content && hosted_.price.cached) {
    cache_.release(id, r.content, r.produced > 0 ? (r.prompt + r.produced - 1) / kBlock : r.cached / kBlock);
    cache_.trim(kCachedBlocks);
  }
  const auto& price = hosted_.price;
  const double cost = static_cast<double>(r.prompt - r.cached) * price.prompt +
                      static_cast<double>(r.cached) * price.cached.value_or(price.prompt) +
                      static_cast<double>(r.produced) * price.output;
  cost_usd_ += cost * (1 - free_.take(static_cast<double>(r.prompt + r.produced), now));
  stop_running(id, now);
}

Meter HostedService::meter(Picoseconds now) const {
  Meter sum = done_;
  if (!running_.empty()) sum[Quantity::busy_time] += now - busy_since_;
  for (const RequestId id : running_) {
    const int64_t tokens = out_by(id, now);
    sum[Quantity::running_time] += now - answer(id).taken;
    sum[Quantity::output_tokens] += tokens;
    if (tokens > 0) sum[Quantity::prompt_tokens] += pool_[id].prompt - pool_[id].cached;
  }
  return sum;
}

}  // namespace tokwatt::sim
