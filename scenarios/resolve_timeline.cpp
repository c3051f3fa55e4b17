// The timeline: which values change when, and what comes back when a change ends.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "scenarios/dates.hpp"
#include "scenarios/read/merge.hpp"
#include "scenarios/read/reader.hpp"
#include "scenarios/read/schema.hpp"
#include "scenarios/resolve.hpp"

namespace tokwatt::scenarios {
namespace {

using Kind = sim::Change::Kind;

/// One value that can change.
struct Target {
  Kind kind = Kind::ambient;
  int system = -1;
  int cable = -1;  ///< of link
  auto operator<=>(const Target&) const = default;
};

/// A change as it was written: from `at` until `end` (kNever: for good).
struct Span {
  sim::Picoseconds at = 0, end = sim::kNever;
  double value = 0;       ///< of a link: its place among those that the resolver has read
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
    case Kind::link:  // has a name
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
    for (std::size_t i = 0; i < r_.written.timeline.size(); ++i) {
      const auto& change = r_.written.timeline[i];
      const bool sets = has(change.keys, "set"), fails = has(change.keys, "fault");
      if (sets == fails)
        r_.diagnostics.error(change.place,
                             "a change of the timeline has one of set and fault; expected either of them");
      if (has(change.keys, "system") && !fails)
        r_.diagnostics.error(change.system.place, "system goes with fault; expected fault: shutdown beside it");
      if (has(change.keys, "limit") && !fails)
        r_.diagnostics.error(change.place, "limit goes with fault: power-cap; expected it beside it");
      check_ramp(change);
      const double at = seconds_of(change);
      for (const auto& [key, value] : change.set) add(change, at, key, value);
      if (change.fault.given()) add_fault(change, at);
      note_late(i, at);
    }
    add_random_faults();
    if (r_.electricity.size() > 1) spans_[{Kind::electricity}];  // a tariff changes by itself
    for (auto& [target, spans] : spans_) emit(target, spans);
    auto& changes = r_.loaded.input.changes;
    std::stable_sort(changes.begin(), changes.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  }

 private:
  /// From the start to a change. A date that cannot be counted from it is reported.
  double seconds_of(const WrittenChange& change) {
    const Text& date = change.at.date;
    if (!date.given()) return change.at.after;
    const auto start = date_and_time(r_.written.start.value);
    if (!start) {
      if (!r_.written.start.given())
        r_.diagnostics.error(date.place,
                             "a date in the timeline needs start, the date and time at which the scenario starts, such "
                             "as start: \"2026-11-23 09:00\"");
      return 0;
    }
    const auto after = static_cast<double>((*date_and_time(date.value) - *start).count());
    if (after >= 0 && after <= kLongestSeconds) return after;
    r_.diagnostics.error(date.place, fmt::format("at is {}, {}, {}; expected a date in the run", in_quotes(date.value),
                                                 after < 0 ? "before the start" : "more than 106 days after the start",
                                                 in_quotes(r_.written.start.value)));
    return 0;
  }

  void note_late(std::size_t i, double at) {
    const auto& duration = r_.written.duration;
    if (duration && at >= *duration)
      r_.loaded.notes.push_back(
          fmt::format("timeline.{} is at {:g} s, when the run of {:g} s is over", i, at, *duration));
  }

  void add(const WrittenChange& change, double at, const Text& key, const Node& node) {
    const auto target = target_of(key);
    if (!target) return;
    const auto value = target->kind == Kind::link ? link_of(key, node) : quantity_of(*target, key, node);
    if (!value || !is_possible(*target, *value, key, node)) return;
    Span span = span_of(at, change.lasts, *value);
    span.key = key.value;
    span.text = node.scalar;
    if (change.ramp) span.ramp = sim::picoseconds(*change.ramp);
    spans_[*target].push_back(std::move(span));
  }

  std::optional<double> quantity_of(const Target& target, const Text& key, const Node& node) {
    const auto [dimension, range] = meaning(target.kind);
    const std::string expected = expectation(dimension);
    if (node.kind != Node::Kind::scalar) {
      r_.diagnostics.error(node.place, fmt::format("{} is no value; expected {}", key.value, expected));
      return std::nullopt;
    }
    const auto parsed = parse_quantity(node.scalar, dimension);
    if (const auto* bad = std::get_if<NotAQuantity>(&parsed)) {
      r_.diagnostics.error(
          node.place, fmt::format("{} is {}{}; expected {}", key.value, in_quotes(node.scalar), bad->why, expected));
      return std::nullopt;
    }
    const double value = std::get<double>(parsed);
    if (value >= range.low && value <= range.high && !(range.above_low && value <= range.low)) return value;
    r_.diagnostics.error(node.place,
                         fmt::format("{} is {}, out of range; expected {}{}", key.value, in_quotes(node.scalar),
                                     info(dimension).noun, bounds_text(range, dimension)));
    return std::nullopt;
  }

  std::optional<double> link_of(const Text& key, const Node& node) {
    if (node.kind != Node::Kind::scalar) {
      r_.diagnostics.error(node.place, fmt::format("{} is no name; expected a link (tokwatt list links)", key.value));
      return std::nullopt;
    }
    const auto link = resolve_link({node.scalar, node.place}, key.value, r_);
    return link ? std::optional(place_of(*link)) : std::nullopt;
  }

  double place_of(const hardware::Link& link) {
    links_.push_back(link);
    return static_cast<double>(links_.size() - 1);
  }

  /// Whether this box, at this price, can be told so; reported where it cannot.
  bool is_possible(const Target& target, double value, const Text& key, const Node& node) {
    const auto refuse_value = [&](const std::string& why) {
      r_.diagnostics.error(node.place, fmt::format("{} is {}, {}", key.value, in_quotes(node.scalar), why));
      return false;
    };
    switch (target.kind) {
      case Kind::electricity:
        if (r_.loaded.input.prices.electricity) return true;
        // A value that was given and is wrong has its error already.
        if (!tries_to_price_electricity())
          r_.diagnostics.error(key.place, "prices.electricity has no value to start from; give it one under prices");
        return false;
      case Kind::clock: {
        const auto& clock = box_of(target.system).clock;
        if (value >= clock.min && value <= clock.max) return true;
        return refuse_value(
            fmt::format("off the box's clocks; expected {:.0f} to {:.0f} MHz", clock.min / 1e6, clock.max / 1e6));
      }
      case Kind::bandwidth: {
        const double of_sheet = box_of(target.system).memory.bandwidth;
        if (value >= of_sheet / kMostOfSheet && value <= of_sheet * kMostOfSheet) return true;
        return refuse_value(
            fmt::format("more than {:.0f} times off the sheet's {:.0f} GB/s", kMostOfSheet, of_sheet / 1e9));
      }
      case Kind::power_limit: {
        const double idle = box_of(target.system).power.idle;
        return value > idle || refuse_value(fmt::format("not above the chip's idle power of {} W", idle));
      }
      case Kind::fan_speed:
        if (box_of(target.system).fan) return true;
        r_.diagnostics.error(key.place, fmt::format("{}: the sheet of the box has no fan", key.value));
        return false;
      default:
        return true;
    }
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

  void add_fault(const WrittenChange& change, double at) {
    if (!change.system.given()) {
      r_.diagnostics.error(change.fault.place, "fault: its system is missing; expected system: NAME beside it");
      return;
    }
    const int system = index_of(change.system, "timeline: system", systems_, "system", r_.diagnostics);
    if (system < 0) return;
    if (is_good_fault(change.fault, change.limit, system))
      fail(change.fault.value, system, at, change.lasts, change.limit);
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
    if (path.size() == 3 && path[0] == "links" && path[2] == "type") return cable_of(key, path[1]);
    const bool in_system = path.size() > 2 && path[0] == "systems";
    if (in_system) {
      const int system =
          index_of({path[1], key.place}, "the system of " + key.value, systems_, "system", r_.diagnostics);
      if (system < 0) return std::nullopt;
      const std::string of_system = path.size() == 4 ? path[2] + "." + path[3] : "";
      if (of_system == "power.limit") return Target{Kind::power_limit, system};
      if (of_system == "power.supply") return Target{Kind::supply, system};
      if (of_system == "fan.speed") return Target{Kind::fan_speed, system};
      if (of_system == "clock.limit" || of_system == "clock.max") return Target{Kind::clock, system};
      if (of_system == "memory.bandwidth") return Target{Kind::bandwidth, system};
      if (path.size() == 3 && path[2] == "link") return link_within(key, system);
    }
    refuse(key, path);
    return std::nullopt;
  }

  std::optional<Target> cable_of(const Text& key, const std::string& number) {
    const auto cables = r_.written.links.size();
    const auto parsed = parse_count(number);
    const auto* n = std::get_if<int64_t>(&parsed);
    if (!n || *n < 0 || *n >= static_cast<int64_t>(cables)) {
      r_.diagnostics.error(key.place, cables == 0
                                          ? fmt::format("{}: there are no links; expected them under links", key.value)
                                          : fmt::format("{}: expected links.0{}", key.value,
                                                        cables == 1 ? "" : fmt::format(" to links.{}", cables - 1)));
      return std::nullopt;
    }
    if (r_.loaded.input.cables.size() != cables) return std::nullopt;  // one of them has its error already
    return Target{Kind::link, -1, static_cast<int>(*n)};
  }

  std::optional<Target> link_within(const Text& key, int system) {
    const std::size_t s = static_cast<std::size_t>(system);
    if (r_.loaded.input.systems[s].link) return Target{Kind::link, system};
    if (!r_.written.systems[s].value.link.given())
      r_.diagnostics.error(key.place,
                           fmt::format("{} has no value to start from; give it one under systems", key.value));
    return std::nullopt;
  }

  /// Says whether a key cannot change yet, cannot change at all, or does not exist.
  void refuse(const Text& key, const std::vector<std::string>& path) {
    const std::string expected =
        "environment.ambient, prices.electricity, links.N.type or systems.NAME.power.limit, .power.supply, "
        ".clock.limit, .memory.bandwidth, .fan.speed or .link";
    if (!is_scenario_key(path)) {
      std::vector<std::string> names = {"environment.ambient", "prices.electricity"};
      for (std::size_t i = 0; i < r_.written.links.size(); ++i) names.push_back(fmt::format("links.{}.type", i));
      for (const auto& system : systems_) {
        for (const char* of_system :
             {"power.limit", "power.supply", "clock.limit", "memory.bandwidth", "fan.speed", "link"})
          names.push_back(fmt::format("systems.{}.{}", path_segment(system), of_system));
      }
      const std::string hint = did_you_mean(key.value, names);
      r_.diagnostics.error(key.place, fmt::format("unknown key {}{}", in_quotes(key.value),
                                                  hint.empty() ? "; expected " + expected : hint));
      return;
    }
    const bool planned = path[0] == "prices";
    r_.diagnostics.error(key.place, planned
                                        ? fmt::format("a change of {} while it runs is not built yet", key.value)
                                        : fmt::format("{} cannot change while running; {} can", key.value, expected));
  }

  double initial(const Target& target) {
    if (target.kind == Kind::link) {
      const auto& input = r_.loaded.input;
      return place_of(target.cable >= 0 ? input.cables[static_cast<std::size_t>(target.cable)].link
                                        : *input.systems[static_cast<std::size_t>(target.system)].link);
    }
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

  /// The last span that began and has not ended; when it ends, the one before comes back. Of caps on power it is the
  /// lowest: a second defect does not heal the first. Beneath the timeline lies the tariff.
  static const Span* in_force(Kind kind, const std::vector<Span>& spans, const std::vector<Span>& beneath,
                              sim::Picoseconds t) {
    const Span* ruling = nullptr;
    for (const auto& span : spans) {
      const bool holds = span.at <= t && t < span.end;
      const bool gives_way = ruling && kind == Kind::power_cap && ruling->value < span.value;
      if (holds && !gives_way) ruling = &span;
    }
    if (ruling || beneath.empty()) return ruling;
    return &*std::prev(std::upper_bound(beneath.begin(), beneath.end(), t,
                                        [](sim::Picoseconds at, const Span& span) { return at < span.at; }));
  }

  /// When another value may come into force, in order.
  static std::vector<sim::Picoseconds> instants_of(const std::vector<Span>& spans, const std::vector<Span>& beneath) {
    std::vector<sim::Picoseconds> instants;
    for (const auto& span : beneath) instants.push_back(span.at);
    for (const auto& span : spans) {
      instants.push_back(span.at);
      if (span.end != sim::kNever) instants.push_back(span.end);
    }
    std::sort(instants.begin(), instants.end());
    instants.erase(std::unique(instants.begin(), instants.end()), instants.end());
    return instants;
  }

  void emit(const Target& target, std::vector<Span>& spans) {
    const auto beneath = target.kind == Kind::electricity ? tariff_spans() : std::vector<Span>();
    std::stable_sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.at < b.at; });
    const double first = initial(target);
    const Span* before = beneath.empty() ? nullptr : &beneath.front();
    std::map<const Span*, double> ramps_from;  // where each ramp began
    const auto value_at = [&](const Span* span, sim::Picoseconds t) {
      if (!span) return first;
      if (t - span->at >= span->ramp) return span->value;
      const double part = sim::seconds(t - span->at) / sim::seconds(span->ramp);
      return ramps_from.at(span) + part * (span->value - ramps_from.at(span));
    };
    for (const auto t : instants_of(spans, beneath)) {
      const Span* now = in_force(target.kind, spans, beneath, t);
      if (now == before) continue;
      if (now && now->ramp > 0) ramps_from.try_emplace(now, value_at(before, t));
      const sim::Picoseconds left = now ? std::max<sim::Picoseconds>(now->ramp - (t - now->at), 0) : 0;
      if (now && t > now->at && left > 0) {  // a ramp that was covered is where it would have been, and goes on
        const double reached = value_at(now, t);
        push(target, t, reached, fmt::format("{} = {:.4g} degC", now->key, reached));
      }
      const std::string how = left > 0 ? fmt::format(" within {:g} s", sim::seconds(left)) : "";
      push(target, t, now ? now->value : first, text_of(now, spans, how), left);
      before = now;
    }
  }

  void push(const Target& target, sim::Picoseconds at, double value, std::string text, sim::Picoseconds ramp = 0) {
    const bool is_link = target.kind == Kind::link;
    r_.loaded.input.changes.push_back({at, target.kind, target.system, value, std::move(text), ramp, target.cable,
                                       is_link ? links_[static_cast<std::size_t>(value)] : hardware::Link{}});
  }

  static std::string text_of(const Span* now, const std::vector<Span>& spans, const std::string& how) {
    if (now) return now->key.empty() ? now->text : fmt::format("{} = {}{}", now->key, now->text, how);
    const std::string& key = spans.front().key;
    return key.empty() ? "the fault is over" : fmt::format("{} back to its first value", key);
  }

  Resolution& r_;
  std::vector<std::string> systems_;
  std::map<Target, std::vector<Span>> spans_;
  std::vector<hardware::Link> links_;  // that spans name by their places
};

}  // namespace

void resolve_timeline(Resolution& r) { TimelineResolver(r).resolve(); }

}  // namespace tokwatt::scenarios
