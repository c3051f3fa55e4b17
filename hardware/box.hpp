#pragma once
// What a box is, in SI units: compute, memory, power, heat. Plain values; sheets (hardware/sheets/*.yaml) fill them.
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hardware/curve.hpp"

namespace tokwatt::hardware {

/// Number formats that a device's arithmetic units take. bf16 stands for f16 summed in fp32 as well; f16 is half
/// precision summed in half precision, which GeForce cards do at twice the rate.
enum class Dtype { fp32, bf16, f16, fp8, int8, fp4 };
inline constexpr std::array kDtypes = {Dtype::fp32, Dtype::bf16, Dtype::f16, Dtype::fp8, Dtype::int8, Dtype::fp4};
const char* name(Dtype dtype);

struct Compute {
  /// Dense peak [FLOP/s] per Dtype at clock.of_peak; 0: the device has no units for it.
  std::array<double, kDtypes.size()> peak{};
  /// Of the general-purpose units where kernels for few rows are concerned, at clock.of_peak [FLOP/s]; 0: that of fp32.
  double vector = 0;
  double peak_of(Dtype dtype) const { return peak[static_cast<std::size_t>(dtype)]; }
};

struct Memory {
  double capacity = 0;         ///< [B]
  double usable_fraction = 1;  ///< share of the capacity that the device may hold (Apple's wired limit: 0.75)
  double reserved = 0;         ///< [B] kept by people and the operating system
  double bandwidth = 0;        ///< peak [B/s]
  double usable() const { return capacity * usable_fraction - reserved; }
};

/// The grid of core clocks the governor may pick: min, min + step, ..., max. Compute peaks scale with the clock.
struct Clock {
  double min = 0, max = 0, step = 0;  ///< [Hz]
  double of_peak = 0;                 ///< clock at which the compute peaks hold [Hz]
  double voltage_min = 0;             ///< floor of the f-V curve [V]
  double voltage_max = 0;             ///< voltage at max [V]; between floor and max it grows linearly with the clock
  double voltage_floor_clock = 0;     ///< clock below which the voltage stays at its floor [Hz]
  double limit = std::numeric_limits<double>::infinity();  ///< the highest that its owner lets it have [Hz]

  int levels() const;                  ///< number of grid points
  double at(int level) const;          ///< clock of level 0 (min) .. levels() - 1 (max) [Hz]
  double voltage(int level) const;     ///< [V]
  double switching(int level) const;   ///< clock * voltage^2, which clocked power follows, relative to the top clock's
  int level_at_most(double hz) const;  ///< highest level whose clock is <= hz; 0 if none is
};

/// Energy roofline (Choi et al., IPDPS 2013) plus the powers that flow whatever the work is.
struct Power {
  double idle = 0;     ///< chip at rest, as the vendor's sensor sees it, without leakage [W]
  double active = 0;   ///< added to idle while a step runs (clock tree, schedulers), at the top clock [W]
  double ready = 0;    ///< added to idle while no step runs but a server is up (clocks stay up), at the top clock [W]
  double leakage = 0;  ///< leakage at leakage_temperature [W]
  double leakage_temperature = 60;                ///< [degC]
  double leakage_slope = 30;                      ///< leakage grows e-fold over so many kelvin [K]
  double per_byte = 0;                            ///< dynamic energy per byte moved [J/B]
  std::array<double, kDtypes.size()> per_flop{};  ///< dynamic energy per FLOP at the top clock's voltage [J/FLOP]
  /// Rows whose energy a product with weights of a quant takes at least, by the rows that it has (more take their own):
  /// kernels compute whole tiles, and single rows on other units. By id of the quant; experts' products are not in it.
  std::map<std::string, Curve> energy_rows;
  double limit = 0;           ///< the chip's power limit [W]
  double rest_idle = 0;       ///< rest of the box (host, memory refresh, network, fans), DC, at rest [W]
  double rest_busy = 0;       ///< the same while a step runs [W]
  double psu_efficiency = 1;  ///< DC out per AC in
  Curve psu_curve;            ///< the same by DC out [W]; where it is given, in place of psu_efficiency
  double supply = std::numeric_limits<double>::infinity();  ///< what power supply or battery gives the box, DC [W]

  double leakage_at(double temperature) const;  ///< [W] at a die temperature [degC]; no more than at kHottestDie
  double wall(double dc) const;                 ///< what the power supply draws to give `dc` [W]
};

/// A ladder of RC stages from the die outward: node i is tied to node i + 1, the last one to the room.
/// C_i dT_i/dt = P_i + (T_{i-1} - T_i)/R_{i-1} - (T_i - T_{i+1})/R_i   (HotSpot: Skadron et al., ISCA 2003)
struct ThermalStage {
  std::string name;
  double heat_capacity = 0;  ///< [J/K]
  double resistance = 0;     ///< to the next stage or to the room [K/W]
};
struct Thermal {
  std::vector<ThermalStage> stages;  ///< die first
  double rest_to_die = 0;            ///< share of the rest-of-box power that heats the die (1 on a shared package)
};

/// Blows room air past one stage, which ties it to the room beside the ladder. Speeds are shares of the top speed; it
/// runs at one of `levels` + 1 of them, so that every one's network can be solved beforehand.
struct Fan {
  std::string stage;  ///< by its name; empty: the last one
  int levels = 10;    ///< speeds besides standstill
  Curve speed;        ///< that the firmware asks for, by die temperature [degC]
  Curve conductance;  ///< from the stage to the room, by speed [W/K]
  Curve power;        ///< DC, by speed [W]; not given: part of the rest of the box
  Curve noise;        ///< by speed [dBA]; not given: unknown

  int level_of(double speed) const;  ///< the nearest
  double speed_of(int level) const { return static_cast<double>(level) / levels; }
};

/// After a tick above the trip, or above what the supply gives, some boxes stay slow until they have rested.
struct Sticky {
  double limit = 0;  ///< of the chip's power meanwhile [W]
  double rest = 0;   ///< without work, after which it is over; a reboot ends it too [s]
};

/// Where chips switch themselves off that nobody knows better of, and what leakage is known up to [degC].
inline constexpr double kHottestDie = 125;

/// Lowers the clock with temperature: a slope, and a trip that steps down until the die is hysteresis below it. What is
/// hotter still switches itself off.
struct Governor {
  double tick = 1;                ///< [s]
  double slope_start = 0;         ///< [degC]
  double slope = 0;               ///< [Hz/K]; 0: no slope
  double trip = 0;                ///< [degC]
  double hysteresis = 0;          ///< [K]
  int trip_steps = 1;             ///< grid steps down per tick above the trip, and up per tick on recovery
  double shutdown = kHottestDie;  ///< die temperature of an emergency shutdown [degC]
  double reboot = 60;             ///< from a shutdown until the system is up again [s]
  std::optional<Sticky> sticky = {};
};

/// Where models are loaded from; 0: not known.
struct Storage {
  double read = 0;        ///< of a file that was not read before [B/s]
  double page_cache = 0;  ///< of one that the operating system still holds in memory [B/s]
};

struct Price {
  double purchase = std::numeric_limits<double>::quiet_NaN();  ///< of a card: the card alone [USD]; NaN: unknown
  double host = 0;                                             ///< of a card: the machine around it [USD]
  double resale_per_year = 0;                                  ///< of all that was paid, what is left after each year
  /// The same at the end of the horizon, in a straight line and no less afterwards; NaN: as resale_per_year has it.
  double resale_fraction = std::numeric_limits<double>::quiet_NaN();

  double paid() const { return purchase + host; }
  /// What is left of it at some age, as a share [s].
  double left(double age, double horizon) const;
};

struct Box {
  std::string id;
  std::string base;  ///< the box that it was laid over in the end and is measured as; empty: it stands alone
  std::string title;
  std::vector<std::string> backends;  ///< cuda, metal, ...: engines need one of them
  std::string architecture;           ///< the chip's generation (hopper, apple-m3, ...); relatives share efficiencies
  Compute compute;
  Memory memory;
  Clock clock;
  Power power;
  Thermal thermal;
  std::optional<Fan> fan = {};
  Governor governor;
  Storage storage;
  std::string host_link;       ///< id of the link to the host's memory; empty: they are one, or it is not known
  int64_t cards_per_host = 1;  ///< that fit in the machine around a card
  Price price;
};

/// One of so many such cards: the price of the machines that they are in, and what those draw at rest, is shared.
Box one_of(Box box, int64_t cards);

}  // namespace tokwatt::hardware
