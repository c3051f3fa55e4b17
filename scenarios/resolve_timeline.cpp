// The timeline: which values change when, and what comes back when a change ends.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
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
  std::string key, text;  ///< "environment.ambient", "32 degC"; of a fault there is a text only
  sim::Picoseconds ramp = 0;
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
    case Kind::fan_speed:
      return {Dimension::number, kFraction};
    case Kind::power_limit:
    case Kind::supply:
    case Kind::shutdown:
    case Kind::power_cap:
    case Kind::fan_stop:
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
      if (has(change.keys, "limit") && !fails)
        r_.diagnostics.error(change.place, "limit goes with fault: power-cap; expected it beside it");
      check_ramp(change);
      for (const auto& [key, value] : change.set) add(change, key, value);
      if (change.fault.given()) add_fault(change);
    }
    add_random_faults();
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
    if (target->kind == Kind::fan_speed && !box_of(target->system).fan) {
      r_.diagnostics.error(key.place, fmt::format("{}: the sheet of the box has no fan", key.value));
      return;
    }
    Span span = span_of(change.at, change.lasts, value);
    span.key = key.value;
    span.text = change.ramp ? fmt::format("{} within {} s", node.scalar, *change.ramp) : node.scalar;
    if (change.ramp) span.ramp = sim::picoseconds(*change.ramp);
    spans_[*target].push_back(std::move(span));
  }

  static Span span_of(double at, const std::optional<double>& lasts, double value) {
    Span span{sim::picoseconds(at), sim::kNever, value, "", "", 0};
    if (lasts) span.end = span.at + std::min(sim::picoseconds(*lasts), sim::kNever - span.at);
    return span;
  }

  const hardware::Box& box_of(int system) const {
    return r_.loaded.input.systems[static_cast<std::size_t>(system)].box;
  }

  void check_ramp(const WrittenChange& change) {
    if (!change.ramp) return;
    const bool of_ambient = change.set.size() == 1 && change.set.front().first.value == "environment.ambient";
    if (!of_ambient)
      r_.diagnostics.error(change.place, "ramp goes with environment.ambient alone; expected no other key in its set");
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
    if (is_good_fault(change.fault, change.limit, system))
      fail(change.fault.value, system, change.at, change.lasts, change.limit);
  }

  bool is_good_fault(const Text& kind, const std::optional<double>& limit, int system) {
    const std::size_t before = r_.diagnostics.reported();
    const bool is_cap = kind.value == "power-cap";
    if (limit.has_value() != is_cap) {
      r_.diagnostics.error(kind.place, is_cap
                                           ? "power-cap: its limit is missing; expected limit: 30 W or like beside it"
                                           : fmt::format("limit goes with power-cap, not with {}", kind.value));
    } else if (is_cap && *limit <= box_of(system).power.idle) {
      r_.diagnostics.error(kind.place, fmt::format("limit is {} W, not above the chip's idle power of {} W", *limit,
                                                   box_of(system).power.idle));
    }
    if (kind.value == "fan" && !box_of(system).fan)
      r_.diagnostics.error(kind.place, "fan: the sheet of the box has no fan that could stop");
    return r_.diagnostics.reported() == before;
  }

  void fail(const std::string& kind, int system, double at, const std::optional<double>& lasts,
            const std::optional<double>& limit) {
    if (kind == "shutdown") {
      const double down = lasts.value_or(box_of(system).governor.reboot);
      r_.loaded.input.changes.push_back(
          {sim::picoseconds(at), Kind::shutdown, system, down, fmt::format("shutdown, up again after {} s", down)});
      return;
    }
    Span span = span_of(at, lasts, limit.value_or(1));
    span.text = limit ? fmt::format("power cap of {} W", *limit) : "the fan stops";
    spans_[{limit ? Kind::power_cap : Kind::fan_stop, system}].push_back(std::move(span));
  }

  /// Each kind of a system's faults has its own random numbers, by its place in the list.
  void add_random_faults() {
    const double end = r_.loaded.input.duration ? sim::seconds(*r_.loaded.input.duration) : kLongestSeconds;
    for (std::size_t s = 0; s < systems_.size(); ++s) {
      const auto& faults = r_.written.systems[s].value.faults;
      for (std::size_t f = 0; f < faults.size(); ++f) {
        const auto& w = faults[f];
        if (!w.kind.given() || w.mean_time_between <= 0 || !is_good_fault(w.kind, w.limit, static_cast<int>(s)))
          continue;
        const auto key = sim::stream_key(r_.loaded.input.seed, fmt::format("{}.{}", systems_[s], f));
        const sim::Distribution gap{sim::Exponential{w.mean_time_between}, {}, {}};
        double at = 0;
        for (uint64_t n = 0; (at += sim::draw(gap, key, sim::Purpose::fault, n)) < end; ++n)
          fail(w.kind.value, static_cast<int>(s), at, w.lasts, w.limit);
      }
    }
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
      if (of_system == "power.supply") return Target{Kind::supply, system};
      if (of_system == "fan.speed") return Target{Kind::fan_speed, system};
      if (of_system == "clock.max") return Target{Kind::clock, system};
      if (of_system == "memory.bandwidth") return Target{Kind::bandwidth, system};
    }
    refuse(key, path, in_system);
    return std::nullopt;
  }

  /// Says whether a key cannot change yet, cannot change at all, or does not exist.
  void refuse(const Text& key, const std::vector<std::string>& path, bool in_system) {
    const std::string expected =
        "environment.ambient, prices.electricity or systems.NAME.power.limit, .power.supply, .clock.max, "
        ".memory.bandwidth or .fan.speed";
    if (!is_scenario_key(path)) {
      std::vector<std::string> names = {"environment.ambient", "prices.electricity"};
      for (const auto& system : systems_) {
        for (const char* of_system : {"power.limit", "power.supply", "clock.max", "memory.bandwidth", "fan.speed"})
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
    switch (target.kind) {
      case Kind::clock:
        return std::min(box.clock.limit, box.clock.max);
      case Kind::bandwidth:
        return box.memory.bandwidth;
      case Kind::supply:
        return box.power.supply;
      case Kind::power_cap:
        return std::numeric_limits<double>::infinity();
      case Kind::fan_speed:
        return std::numeric_limits<double>::quiet_NaN();  // as the firmware asks
      case Kind::fan_stop:
        return 0;
      default:
        return box.power.limit;
    }
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
      // A ramp that was interrupted goes on from what came between, and ends when it would have.
      const sim::Picoseconds ramp = now ? std::max<sim::Picoseconds>(now->ramp - (t - now->at), 0) : 0;
      r_.loaded.input.changes.push_back(
          {t, target.kind, target.system, now ? now->value : initial(target), text_of(now, spans), ramp});
      before = now;
    }
  }

  static std::string text_of(const Span* now, const std::vector<Span>& spans) {
    if (now) return now->key.empty() ? now->text : fmt::format("{} = {}", now->key, now->text);
    const std::string& key = spans.front().key;
    return key.empty() ? "the fault is over" : fmt::format("{} back to its first value", key);
  }

  Resolution& r_;
  std::vector<std::string> systems_;
  std::map<Target, std::vector<Span>> spans_;
};

}  // namespace

void resolve_timeline(Resolution& r) { TimelineResolver(r).resolve(); }

}  // namespace tokwatt::scenarios
