// The timeline: which values change when, and what comes back when a change ends.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "scenarios/read/merge.hpp"
#include "scenarios/read/schema.hpp"
#include "scenarios/resolve.hpp"

namespace tokwatt::scenarios {
namespace {

using Kind = sim::Change::Kind;

/// One value that can change.
struct Target {
  Kind kind = Kind::ambient;
  int system = -1;
  auto operator<=>(const Target&) const = default;
};

/// A change as it was written: from `at` until `end` (kNever: for good).
struct Span {
  sim::Picoseconds at = 0, end = sim::kNever;
  double value = 0;
  std::string key, text;  ///< "environment.ambient", "32 degC"
};

struct Meaning {
  Dimension dimension;
  Range range;
};
Meaning meaning(Kind kind) {
  switch (kind) {
    case Kind::ambient:
      return {Dimension::temperature, {-60, 100}};
    case Kind::electricity:
      return {Dimension::money_per_energy, kNotNegative};
    case Kind::clock:
      return {Dimension::frequency, kPositive};
    case Kind::bandwidth:
      return {Dimension::byte_rate, kPositive};
    case Kind::power_limit:
    case Kind::shutdown:
      break;
  }
  return {Dimension::power, kPositive};
}

bool has(const std::vector<std::string>& keys, const std::string& key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

constexpr double kMostOfSheet = 1000;  ///< times the sheet's bandwidth, or as many times less: beyond it is a slip

class TimelineResolver {
 public:
  explicit TimelineResolver(Resolution& r) : r_(r) {
    for (const auto& system : r.loaded.input.systems) systems_.push_back(system.name);
  }

  void resolve() {
    for (const auto& change : r_.written.timeline) {
      const bool sets = has(change.keys, "set"), fails = has(change.keys, "fault");
      if (sets == fails)
        r_.diagnostics.error(change.place,
                             "a change of the timeline has one of set and fault; expected either of them");
      if (has(change.keys, "system") && !fails)
        r_.diagnostics.error(change.system.place, "system goes with fault; expected fault: shutdown beside it");
      for (const auto& [key, value] : change.set) add(change, key, value);
      if (change.fault.given()) add_fault(change);
    }
    if (r_.electricity.size() > 1) spans_[{Kind::electricity}];  // a tariff changes by itself
    for (auto& [target, spans] : spans_) emit(target, spans);
    auto& changes = r_.loaded.input.changes;
    std::stable_sort(changes.begin(), changes.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  }

 private:
  void add(const WrittenChange& change, const Text& key, const Node& node) {
    const auto target = target_of(key);
    if (!target) return;
    const auto [dimension, range] = meaning(target->kind);
    if (node.kind != Node::Kind::scalar) {
      r_.diagnostics.error(node.place, fmt::format("{} is no value; expected {}", key.value, expectation(dimension)));
      return;
    }
    const auto parsed = parse_quantity(node.scalar, dimension);
    if (const auto* bad = std::get_if<NotAQuantity>(&parsed)) {
      r_.diagnostics.error(node.place, fmt::format("{} is {}{}; expected {}", key.value, in_quotes(node.scalar),
                                                   bad->why, expectation(dimension)));
      return;
    }
    const double value = std::get<double>(parsed);
    if (value < range.low || value > range.high || (range.above_low && value <= range.low)) {
      r_.diagnostics.error(node.place, fmt::format("{} is {}, out of range; expected {}", key.value,
                                                   in_quotes(node.scalar), expectation(dimension)));
      return;
    }
    if (target->kind == Kind::electricity && !r_.loaded.input.prices.electricity) {
      // A value that was given and is wrong has its error already.
      if (!tries_to_price_electricity())
        r_.diagnostics.error(key.place, "prices.electricity has no value to start from; give it one under prices");
      return;
    }
    if (target->kind == Kind::clock) {
      const auto& clock = r_.loaded.input.systems[static_cast<std::size_t>(target->system)].box.clock;
      if (value < clock.min || value > clock.max) {
        r_.diagnostics.error(node.place,
                             fmt::format("{} is {}, off the box's clocks; expected {:.0f} to {:.0f} MHz", key.value,
                                         in_quotes(node.scalar), clock.min / 1e6, clock.max / 1e6));
        return;
      }
    }
    if (target->kind == Kind::bandwidth) {
      const double of_sheet = r_.loaded.input.systems[static_cast<std::size_t>(target->system)].box.memory.bandwidth;
      if (value < of_sheet / kMostOfSheet || value > of_sheet * kMostOfSheet) {
        r_.diagnostics.error(node.place, fmt::format("{} is {}, more than {:.0f} times off the sheet's {:.0f} GB/s",
                                                     key.value, in_quotes(node.scalar), kMostOfSheet, of_sheet / 1e9));
        return;
      }
    }
    if (target->kind == Kind::power_limit) {
      const auto& box = r_.loaded.input.systems[static_cast<std::size_t>(target->system)].box;
      if (value <= box.power.idle) {
        r_.diagnostics.error(node.place, fmt::format("{} is {}, not above the chip's idle power of {} W", key.value,
                                                     in_quotes(node.scalar), box.power.idle));
        return;
      }
    }
    Span span{sim::picoseconds(change.at), sim::kNever, value, key.value, node.scalar};
    if (change.lasts) span.end = span.at + std::min(sim::picoseconds(*change.lasts), sim::kNever - span.at);
    spans_[*target].push_back(std::move(span));
  }

  bool tries_to_price_electricity() const {
    const auto& keys = r_.written.prices.keys;
    return has(keys, "electricity") || has(keys, "tariff") || !r_.written.tariff.empty();
  }

  /// What is in force where no change of the timeline is: the tariff's prices, one after the other.
  std::vector<Span> tariff_spans() const {
    std::vector<Span> out;
    for (const auto& step : r_.electricity) {
      const auto at = sim::picoseconds(static_cast<double>(step.after));
      if (!out.empty()) out.back().end = at;
      out.push_back(
          {at, sim::kNever, step.price, "prices.electricity", fmt::format("{:.4f} USD/kWh", step.price * 3.6e6)});
    }
    return out;
  }

  void add_fault(const WrittenChange& change) {
    if (!change.system.given()) {
      r_.diagnostics.error(change.fault.place, "fault: its system is missing; expected system: NAME beside it");
      return;
    }
    const int system = index_of(change.system, "timeline: system", systems_, "system", r_.diagnostics);
    if (system < 0) return;
    const double down =
        change.lasts.value_or(r_.loaded.input.systems[static_cast<std::size_t>(system)].box.governor.reboot);
    r_.loaded.input.changes.push_back({sim::picoseconds(change.at), Kind::shutdown, system, down,
                                       fmt::format("shutdown, up again after {} s", down)});
  }

  std::optional<Target> target_of(const Text& key) {
    const std::size_t before = r_.diagnostics.reported();
    const auto segments = split_path(key.value, key.place, r_.diagnostics);
    if (r_.diagnostics.reported() > before) return std::nullopt;
    std::vector<std::string> path;
    for (const auto& segment : segments) path.push_back(segment.name);
    if (path == std::vector<std::string>{"environment", "ambient"}) return Target{Kind::ambient};
    if (path == std::vector<std::string>{"prices", "electricity"}) return Target{Kind::electricity};
    const bool in_system = path.size() > 2 && path[0] == "systems";
    if (in_system) {
      const int system =
          index_of({path[1], key.place}, "the system of " + key.value, systems_, "system", r_.diagnostics);
      if (system < 0) return std::nullopt;
      const std::string of_system = path.size() == 4 ? path[2] + "." + path[3] : "";
      if (of_system == "power.limit") return Target{Kind::power_limit, system};
      if (of_system == "clock.max") return Target{Kind::clock, system};
      if (of_system == "memory.bandwidth") return Target{Kind::bandwidth, system};
    }
    refuse(key, path, in_system);
    return std::nullopt;
  }

  /// Says whether a key cannot change yet, cannot change at all, or does not exist.
  void refuse(const Text& key, const std::vector<std::string>& path, bool in_system) {
    const std::string expected =
        "environment.ambient, prices.electricity or systems.NAME.power.limit, .clock.max or .memory.bandwidth";
    if (!is_scenario_key(path)) {
      std::vector<std::string> names = {"environment.ambient", "prices.electricity"};
      for (const auto& system : systems_) {
        for (const char* of_system : {"power.limit", "clock.max", "memory.bandwidth"})
          names.push_back(fmt::format("systems.{}.{}", path_segment(system), of_system));
      }
      const std::string hint = did_you_mean(key.value, names);
      r_.diagnostics.error(key.place, fmt::format("unknown key {}{}", in_quotes(key.value),
                                                  hint.empty() ? "; expected " + expected : hint));
      return;
    }
    const bool planned = path[0] == "prices" || (in_system && path[2] == "link");
    r_.diagnostics.error(key.place, planned
                                        ? fmt::format("a change of {} while it runs is not built yet", key.value)
                                        : fmt::format("{} cannot change while running; {} can", key.value, expected));
  }

  double initial(const Target& target) const {
    if (target.kind == Kind::ambient) return r_.loaded.input.ambient;
    if (target.kind == Kind::electricity) return *r_.loaded.input.prices.electricity;
    const auto& box = r_.loaded.input.systems[static_cast<std::size_t>(target.system)].box;
    if (target.kind == Kind::clock) return box.clock.max;
    return target.kind == Kind::bandwidth ? box.memory.bandwidth : box.power.limit;
  }

  /// The value in force is that of the last span that began and has not ended; when it ends, the one before comes back.
  /// Beneath the timeline lies the tariff.
  void emit(const Target& target, std::vector<Span>& spans) {
    const auto beneath = target.kind == Kind::electricity ? tariff_spans() : std::vector<Span>();
    std::stable_sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.at < b.at; });
    const auto last_in_force = [&](sim::Picoseconds t) -> const Span* {
      const Span* last = nullptr;
      for (const auto& span : spans) {
        if (span.at <= t && t < span.end) last = &span;
      }
      if (last || beneath.empty()) return last;
      return &*std::prev(std::upper_bound(beneath.begin(), beneath.end(), t,
                                          [](sim::Picoseconds at, const Span& span) { return at < span.at; }));
    };
    std::vector<sim::Picoseconds> instants;
    for (const auto& span : beneath) instants.push_back(span.at);
    for (const auto& span : spans) {
      instants.push_back(span.at);
      if (span.end != sim::kNever) instants.push_back(span.end);
    }
    std::sort(instants.begin(), instants.end());
    instants.erase(std::unique(instants.begin(), instants.end()), instants.end());
    const Span* before = beneath.empty() ? nullptr : &beneath.front();
    for (const auto t : instants) {
      const Span* now = last_in_force(t);
      if (now == before) continue;
      const std::string text = now ? fmt::format("{} = {}", now->key, now->text)
                                   : fmt::format("{} back to its first value", spans.front().key);
      r_.loaded.input.changes.push_back({t, target.kind, target.system, now ? now->value : initial(target), text});
      before = now;
    }
  }

  Resolution& r_;
  std::vector<std::string> systems_;
  std::map<Target, std::vector<Span>> spans_;
};

}  // namespace

void resolve_timeline(Resolution& r) { TimelineResolver(r).resolve(); }

}  // namespace tokwatt::scenarios
