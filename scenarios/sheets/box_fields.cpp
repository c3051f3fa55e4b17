// Keys of a box sheet (hardware/sheets/*.yaml).
#include "scenarios/sheets/sheet_fields.hpp"

namespace tokwatt::scenarios {

// Bounds far outside what exists; what lies beyond them is a slip of the unit, and might leave the integers of
// simulated time.
constexpr Range kAmbientRange{-60, 150};                            // [degC]
constexpr Range kBandwidth{1e9, 1e17};                              // [B/s]
constexpr Range kPeak{0, 1e20};                                     // [FLOP/s]
constexpr Range kEnergyPerByte{0, 1e-6}, kEnergyPerFlop{0, 1e-10};  // [J]
constexpr Range kPower{0, 1e7}, kPowerAboveNone{0, 1e7, true};      // [W]

void fields(Fields& f, Describes& d) {
  f.text(optional("date", "month that the sheet describes, quoted, such as \"2026-11\""), d.date);
  f.text(optional("software", "driver and system software that it describes"), d.software);
}

void head_fields(Fields& f, Head& h) {
  f.text(required("id", "name in scenarios and on the command line"), h.id);
  f.text(optional("title", "name for people"), h.title);
  f.texts(optional("aliases", "short names"), h.aliases);
  f.section(optional("describes", "date and software that the sheet describes"), h.describes);
  f.text(optional("description", "what it is, how its numbers came about, and which host a card is assumed to sit in"),
         h.description);
  f.text_map(optional("sources", "id: citation or address; numbers name these ids"), h.sources);
  f.flag(optional("hypothetical", "the thing does not exist"), h.hypothetical);
}

static void fields(Fields& f, hardware::Compute& c) {
  constexpr const char* kDocs[] = {"dense peak in fp32",
                                   "dense peak in bf16 and f16, summed in fp32",
                                   "dense peak in f16 summed in f16, where it differs",
                                   "dense peak in fp8",
                                   "dense peak in int8",
                                   "dense peak in fp4"};
  static_assert(std::size(kDocs) == hardware::kDtypes.size());
  for (std::size_t i = 0; i < hardware::kDtypes.size(); ++i) {
    Key key = optional(hardware::name(hardware::kDtypes[i]), kDocs[i], kPeak);
    key.peak = true;
    f.quantity(key, Dimension::flop_rate, c.peak[i]);
  }
  f.quantity(optional("vector",
                      "what the general-purpose units do in kernels for few rows, in FLOP/s of a chip with two FP32 "
                      "lanes for each of INT32 (default: the peak in fp32)",
                      kPeak),
             Dimension::flop_rate, c.vector);
}

static void fields(Fields& f, hardware::Memory& m) {
  f.quantity(required("capacity", "memory that the device can address", kPositive), Dimension::bytes, m.capacity);
  f.number(optional("usable_fraction", "share of it that the device may hold", kPositiveFraction), m.usable_fraction);
  f.quantity(optional("reserved", "kept by people and the operating system", kNotNegative), Dimension::bytes,
             m.reserved);
  f.quantity(required("bandwidth", "peak bandwidth", kBandwidth), Dimension::byte_rate, m.bandwidth);
}

static void fields(Fields& f, hardware::Clock& c) {
  f.quantity(required("min", "lowest core clock", kPositive), Dimension::frequency, c.min);
  f.quantity(required("max", "highest core clock", kPositive), Dimension::frequency, c.max);
  f.quantity(required("step", "between two clocks of the grid", kPositive), Dimension::frequency, c.step);
  f.quantity(required("of_peak", "clock at which the peaks of `compute` hold", kPositive), Dimension::frequency,
             c.of_peak);
  f.quantity(required("voltage_min", "floor of the f-V curve", kPositive), Dimension::voltage, c.voltage_min);
  f.quantity(required("voltage_max", "voltage at the highest clock", kPositive), Dimension::voltage, c.voltage_max);
  f.quantity(required("voltage_floor_clock", "clock below which the voltage stays at its floor", kPositive),
             Dimension::frequency, c.voltage_floor_clock);
  f.quantity(optional("limit", "the highest that its owner lets it have (nvidia-smi -lgc); without it max", kPositive),
             Dimension::frequency, c.limit);
}

/// Dynamic energy of arithmetic, by number format.
struct PerFlop {
  std::array<double, hardware::kDtypes.size()>& energy;
};

static void fields(Fields& f, PerFlop& p) {
  constexpr const char* kDocs[] = {"in fp32", "in bf16 and f16", "in f16 summed in f16", "in fp8", "in int8", "in fp4"};
  static_assert(std::size(kDocs) == hardware::kDtypes.size());
  for (std::size_t i = 0; i < hardware::kDtypes.size(); ++i) {
    f.quantity(optional(hardware::name(hardware::kDtypes[i]), kDocs[i], kEnergyPerFlop), Dimension::energy_per_flop,
               p.energy[i]);
  }
}

/// What a matrix kernel takes for few rows.
struct EnergyRows {
  hardware::Curve rows;
};

static void fields(Fields& f, EnergyRows& r) {
  f.curve(required("rows", "whose energy is taken at least: list of [rows that there are, rows]", {0, 1e6}),
          {Dimension::number, {1, 1e6}}, Dimension::number, r.rows);
}

static void fields(Fields& f, hardware::Power& p) {
  f.quantity(required("idle", "chip at rest, as the vendor's sensor sees it, without leakage", kPower),
             Dimension::power, p.idle);
  f.quantity(required("active", "added to idle while a step runs, at the highest clock", kPower), Dimension::power,
             p.active);
  f.quantity(optional("ready", "added to idle while no step runs but a server is up, at the highest clock", kPower),
             Dimension::power, p.ready);
  f.quantity(optional("leakage", "leakage at leakage_temperature", kPower), Dimension::power, p.leakage);
  f.quantity(optional("leakage_temperature", "die temperature at which leakage holds", kAmbientRange),
             Dimension::temperature, p.leakage_temperature);
  f.quantity(optional("leakage_slope", "leakage grows e-fold over so much", kPositive),
             Dimension::temperature_difference, p.leakage_slope);
  f.quantity(required("per_byte", "dynamic energy of a byte moved", kEnergyPerByte), Dimension::energy_per_byte,
             p.per_byte);
  PerFlop per_flop{p.per_flop};
  f.section(required("per_flop", "dynamic energy of an operation at the highest clock's voltage, by number format"),
            per_flop);
  std::vector<Named<EnergyRows>> energy_rows;
  f.named(optional("energy_rows",
                   "rows whose energy matrix kernels take at least, by quant of the weights: they compute whole tiles"),
          energy_rows);
  for (auto& [quant, place, least] : energy_rows) p.energy_rows[quant] = std::move(least.rows);
  f.quantity(required("limit", "the chip's power limit", kPowerAboveNone), Dimension::power, p.limit);
  f.quantity(required("rest_idle", "rest of the box (host, memory refresh, fans), DC, at rest", kPower),
             Dimension::power, p.rest_idle);
  f.quantity(required("rest_busy", "rest of the box while a step runs, DC", kPower), Dimension::power, p.rest_busy);
  f.number_or_curve(
      required("psu_efficiency", "power supply: DC out over AC in; a number, or a list of [DC out, efficiency]",
               kPositiveFraction),
      {Dimension::power, kPower}, p.psu_efficiency, p.psu_curve);
  f.quantity(optional("supply", "what power supply, USB-PD or battery can give the box, DC; without it enough",
                      kPowerAboveNone),
             Dimension::power, p.supply);
}

static void fields(Fields& f, hardware::ThermalStage& s) {
  f.text(required("name", "die, heatsink, chassis, ..."), s.name);
  f.quantity(required("heat_capacity", "heat that warms it by a kelvin", kPositive), Dimension::heat_capacity,
             s.heat_capacity);
  f.quantity(required("resistance", "to the next stage, or from the last one to the room", kPositive),
             Dimension::thermal_resistance, s.resistance);
}

static void fields(Fields& f, hardware::Thermal& t) {
  f.number(required("rest_to_die", "share of the rest's power that heats the die (1 on a shared package)", kFraction),
           t.rest_to_die);
  f.sections(required("stages", "from the die outward"), t.stages);
}

static void fields(Fields& f, hardware::Fan& fan) {
  f.text(optional("stage", "name of the thermal stage that it cools; without it the last one"), fan.stage);
  int64_t levels = fan.levels;
  if (f.count(optional("levels", "speeds besides standstill, at even distances", {1, 100}), levels))
    fan.levels = static_cast<int>(levels);
  f.curve(required("speed", "that the firmware asks for, as a share of the top speed: list of [die temperature, share]",
                   kFraction),
          {Dimension::temperature, kAmbientRange}, Dimension::number, fan.speed);
  f.curve(required("conductance", "from the stage to the room, beside the ladder's: list of [share, conductance]",
                   {0, 1e6}),
          {Dimension::number, kFraction}, Dimension::thermal_conductance, fan.conductance);
  f.curve(optional("power", "DC: list of [share, power]; without it a part of rest_idle and rest_busy", kPower),
          {Dimension::number, kFraction}, Dimension::power, fan.power);
  f.curve(optional("noise", "list of [share, sound level]; without it not known", {0, 150}),
          {Dimension::number, kFraction}, Dimension::sound_level, fan.noise);
}

static void fields(Fields& f, hardware::Sticky& s) {
  f.quantity(required("limit", "of the chip's power meanwhile", kPowerAboveNone), Dimension::power, s.limit);
  f.quantity(required("rest", "how long without work until it is over; a reboot ends it too", kPositive),
             Dimension::duration, s.rest);
}

static void fields(Fields& f, hardware::Governor& g) {
  f.quantity(required("tick", "how often the governor looks", {0.01, 60}), Dimension::duration, g.tick);
  f.quantity(optional("slope_start", "die temperature from which the clock falls with it", kAmbientRange),
             Dimension::temperature, g.slope_start);
  f.quantity(optional("slope", "how much it falls", kNotNegative), Dimension::frequency_per_kelvin, g.slope);
  f.quantity(required("trip", "die temperature above which the clock steps down", kAmbientRange),
             Dimension::temperature, g.trip);
  f.quantity(required("hysteresis", "how far below the trip it steps up again", kNotNegative),
             Dimension::temperature_difference, g.hysteresis);
  int64_t steps = g.trip_steps;
  if (f.count(optional("trip_steps", "grid steps per tick", {1, 10'000}), steps))
    g.trip_steps = static_cast<int>(steps);
  f.quantity(
      optional("shutdown", "die temperature at which the box switches itself off (default 125 degC)", kAmbientRange),
      Dimension::temperature, g.shutdown);
  f.quantity(optional("reboot", "from a shutdown until the box is up again (default 60 s)", {0, 86'400}),
             Dimension::duration, g.reboot);
  f.section(optional("sticky", "a box that stays slow after a tick above its trip or above its supply"), g.sticky);
}

static void fields(Fields& f, hardware::Storage& s) {
  f.quantity(optional("read", "of a model's file, from the disk", kPositive), Dimension::byte_rate, s.read);
  f.quantity(optional("page_cache", "of a model's file that the operating system still holds in memory", kPositive),
             Dimension::byte_rate, s.page_cache);
}

static void fields(Fields& f, hardware::Price& p) {
  f.quantity(optional("purchase", "price of the box; of a card, of the card alone", kNotNegative), Dimension::money,
             p.purchase);
  f.quantity(optional("host", "of a card: price of the machine around it, 0 USD for who has one (default 0 USD)",
                      kNotNegative),
             Dimension::money, p.host);
  f.number(optional("resale_per_year", "of both that is left after each year (default 0)", kFraction),
           p.resale_per_year);
  f.number(
      optional("resale_fraction", "of both that is left at prices.horizon, in place of resale_per_year", kFraction),
      p.resale_fraction);
}

void fields(Fields& f, EngineOverrides& e) { f.overrides<EngineSheet>(e.raw); }

void fields(Fields& f, BoxSheet& s) {
  head_fields(f, s.head);
  f.text(optional("base",
                  "in a file of its own: the box that it is but for what the file says (an id, an alias or a path)"),
         s.base);
  f.texts(required("backends", "what its driver offers to engines: cuda, metal, ..."), s.backends);
  f.text(optional("architecture", "the chip's generation, such as hopper or apple-m3; relatives share efficiencies"),
         s.box.architecture);
  f.text(optional("measured_as",
                  "a box with the same chip, whose measurements say what engines get out of this one too: its id"),
         s.measured_as);
  f.section(required("compute", "dense peaks of its arithmetic units; a format that is not here has no units"),
            s.box.compute);
  f.section(required("memory", "memory"), s.box.memory);
  f.section(required("clock", "grid of core clocks and the f-V curve"), s.box.clock);
  f.section(required("power", "where the watts go"), s.box.power);
  f.section(required("thermal", "ladder of thermal stages"), s.box.thermal);
  f.section(optional("fan", "cools a thermal stage; without it the ladder holds for whatever its fan does"), s.box.fan);
  f.section(required("governor", "lowers the clock with temperature"), s.box.governor);
  f.text(optional("host_link", "joins the device to the host's memory (tokwatt list links); none where they are one"),
         s.host_link);
  f.count(optional("cards_per_host",
                   "of a card: so many fit in the machine around it, and share its price and what it draws at rest",
                   {1, 64}),
          s.box.cards_per_host);
  f.section(optional("storage", "how fast models are loaded"), s.box.storage);
  f.section(optional("price", "what it costs"), s.box.price);
  Key modes = optional("modes", "in a box's own file: what changes in a mode, such as quiet, by the mode's name");
  modes.of_any_key = true;
  f.changes(modes, s.modes);
  f.named(optional("engines", "what engines reach here, laid over their own sheets"), s.engines);
}

void fields(Fields& f, LinkSheet& s) {
  head_fields(f, s.head);
  f.quantity(required("bandwidth", "one way, as transfers reach it", kPositive), Dimension::byte_rate,
             s.link.bandwidth);
  f.quantity(required("latency", "of the smallest message, its software included", kNotNegative), Dimension::duration,
             s.link.latency);
}

hardware::Box box_of(const BoxSheet& s) {
  hardware::Box box = s.box;
  box.id = s.head.id.value;
  box.title = s.head.title.given() ? s.head.title.value : box.id;
  box.host_link = s.host_link.value;
  for (const auto& backend : s.backends) box.backends.push_back(backend.value);
  return box;
}

}  // namespace tokwatt::scenarios
