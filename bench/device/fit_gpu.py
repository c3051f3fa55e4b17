#!/usr/bin/env python3
"""Turn the readings of measure_gpu.py into the numbers of a box sheet.

usage: fit_gpu.py READINGS.json --peak-tflops 989.4 --bandwidth-gbs 3350

Prints JSON: efficiencies against the vendor's peaks, rows_half, dispatch times, the energy roofline (Choi et al.,
IPDPS 2013) and the two fastest stages of the thermal ladder, each with its residual. Needs numpy and scipy.
"""
import argparse
import json
import math
import sys

import numpy as np
from scipy.optimize import least_squares, nnls

SETTLE = 0.5          # the first half of a phase is left out: power and clock are still moving
NEAR_LIMIT = 0.97     # of the power limit: clock and voltage are held down, so that energy per FLOP is another one
CLOCK_HELD = 0.97     # of the phase's best clock


def matmul_time(rows, k, n, element, peak, bandwidth, efficiency, rows_half, memory_efficiency, floor):
    """The cost model's roofline: compute saturates as M / (M + rows_half), memory carries weights and activations; [s]."""
    flops = 2.0 * rows * k * n
    moved = element * (k * n + rows * (k + n))
    saturation = rows / (rows + rows_half)
    return np.maximum(flops / (peak * efficiency * saturation), moved / (bandwidth * memory_efficiency)) + floor


def fit_matmul(curve, peak, bandwidth, floor):
    """Least squares on log(time): every row count weighs the same.

    `floor` is the time of an empty kernel in a graph [s]. It is given, not fitted: few rows all move the same bytes, so
    that a floor and a lower memory efficiency cannot be told apart.
    """
    points = [p for p in curve["points"] if "seconds" in p]
    rows = np.array([p["rows"] for p in points], float)
    seconds = np.array([p["seconds"] for p in points])

    def model(x):
        efficiency, rows_half, memory_efficiency = np.exp(x)
        return matmul_time(rows, curve["k"], curve["n"], curve["bytes_per_weight"], peak, bandwidth, efficiency, rows_half,
                           memory_efficiency, floor)

    # The maximum of two forms has local minima: several starts, the best one kept.
    starts = [np.log([0.7, half, 0.8]) for half in (1, 10, 50, 200)]
    fits = [least_squares(lambda x: np.log(model(x) / seconds), s, bounds=np.log([[0.01, 1e-2, 0.01], [1.2, 4096, 1.2]]))
            for s in starts]
    best = min(fits, key=lambda f: f.cost)
    efficiency, rows_half, memory_efficiency = np.exp(best.x)
    return {"dtype": curve["dtype"], "compute_efficiency": efficiency, "rows_half": rows_half,
            "memory_efficiency": memory_efficiency,
            "best_flop_per_s": max(2 * p["rows"] * curve["k"] * curve["n"] / p["seconds"] for p in points),
            "rms_log_residual": float(np.sqrt(np.mean(best.fun**2)))}


def phase_means(readings):
    """Mean power, temperature and clock of the settled part of each phase, with its rates."""
    samples = np.array([[np.nan if v is None else v for v in row] for row in readings["telemetry"]], float)
    means = []
    for phase in readings["phases"]:
        seconds = phase["end_s"] - phase["begin_s"]
        inside = (samples[:, 0] >= phase["begin_s"] + SETTLE * seconds) & (samples[:, 0] <= phase["end_s"])
        if not inside.any():
            raise ValueError(f"no telemetry during {phase['name']}")
        settled = samples[inside]
        means.append({"name": phase["name"], "w": float(np.nanmean(settled[:, 1])), "degc": float(np.nanmean(settled[:, 2])),
                      "mhz": float(np.nanmean(settled[:, 4])), "flop_per_s": phase["flops"] / seconds,
                      "byte_per_s": phase["bytes"] / seconds})
    return means


def fit_power(means, limit):
    """idle, active, per_byte, per_flop: linear in the rates, over phases at full clock and below the limit."""
    idle = next(m["w"] for m in means if m["name"] == "idle")
    busy = [m for m in means if m["name"] in ("cached", "read", "triad") or m["name"].startswith("matmul-")]
    top = max(m["mhz"] for m in busy)
    used = [m for m in busy if m["w"] < NEAR_LIMIT * limit and m["mhz"] > CLOCK_HELD * top]
    if len(used) < 4:
        raise ValueError("fewer than four loads ran at full clock below the power limit")
    # nnls: none of the three can be negative. Rates in TB/s and TFLOP/s keep the columns alike in size.
    rates = np.array([[1.0, m["byte_per_s"] / 1e12, m["flop_per_s"] / 1e12] for m in used])
    watts = np.array([m["w"] - idle for m in used])
    (active, per_tb, per_tflop), _ = nnls(rates, watts)
    residual = rates @ [active, per_tb, per_tflop] - watts
    return {"idle_w": idle, "active_w": active, "per_byte_pj": per_tb, "per_flop_pj": per_tflop, "clock_mhz": top,
            "phases": [m["name"] for m in used], "rms_residual_w": float(np.sqrt(np.mean(residual**2)))}


def fit_heat(readings, means):
    """Two exponentials through the cool-down. A stage's resistance is its share of the fall over the fall in power."""
    cool = next(p for p in readings["phases"] if p["name"] == "cool-down")
    rows = [(r[0] - cool["begin_s"], r[2]) for r in readings["telemetry"]
            if cool["begin_s"] <= r[0] <= cool["end_s"] and r[2] is not None]
    t, degc = np.array(rows).T
    drop = next(m["w"] for m in means if m["name"] == "heat-up") - next(m["w"] for m in means if m["name"] == "cool-down")

    def model(x):
        return x[0] + x[1] * np.exp(-t / x[2]) + x[3] * np.exp(-t / x[4])

    fall = degc[0] - degc[-1]
    found = least_squares(lambda x: model(x) - degc, [degc[-1], fall / 2, 2.0, fall / 2, 30.0],
                          bounds=([-50, 0, 0.05, 0, 5.0], [200, 200, 10.0, 200, 600.0]))
    end, fast, fast_tau, slow, slow_tau = found.x
    stages = [{"resistance_k_per_w": a / drop, "tau_s": tau, "heat_capacity_j_per_k": tau * drop / a}
              for a, tau in ((fast, fast_tau), (slow, slow_tau)) if a > 0]
    return {"stages": stages, "settles_at_degc": end, "power_drop_w": drop,
            "rms_residual_k": float(np.sqrt(np.mean(found.fun**2)))}


def fit(readings, peak, bandwidth):
    facts = readings["provenance"]
    if facts["device"] != "cuda":
        raise ValueError("these readings are from a trial on the processor, not from a GPU")
    streams = {}
    for p in readings["streams"]:
        # Only arrays several times the cache: smaller ones measure the cache.
        if p["array_bytes"] >= 2**29:
            streams[p["load"]] = max(streams.get(p["load"], 0), p["bytes"] / p["seconds"])
    launches = readings["launches"]
    graph = launches["graph_s"] / launches["kernels"]
    means = phase_means(readings)
    limit = float(facts["power_limit"].split()[0])
    return {
        "gpu": facts["name"], "driver": facts["driver_version"],
        "stream_byte_per_s": streams,
        "memory_efficiency": max(streams.values()) / bandwidth,
        "matmul": [fit_matmul(c, peak * PEAK_OF_BF16[c["dtype"]], bandwidth, graph) for c in readings["matmul"]
                   if sum("seconds" in p for p in c["points"]) >= 4],
        "kernel_dispatch_s": {"one_by_one": launches["one_by_one_s"] / launches["kernels"],
                              "graph": graph},
        "phases": means,
        "power": fit_power(means, limit),
        "heat": fit_heat(readings, means),
    }


# Hopper's dense rates against bf16 (NVIDIA H100 datasheet: 989.4 bf16, 1978.9 fp8, 494.7 tf32, 66.9 fp32 TFLOP/s).
PEAK_OF_BF16 = {"bf16": 1, "fp8": 2, "tf32": 0.5, "fp32": 66.9 / 989.4}


def rounded(value):
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    if isinstance(value, float) and value and math.isfinite(value):
        return float(f"{value:.4g}")
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("readings")
    parser.add_argument("--peak-tflops", type=float, required=True, help="dense bf16 peak of the datasheet [TFLOP/s]")
    parser.add_argument("--bandwidth-gbs", type=float, required=True, help="memory bandwidth of the datasheet [GB/s]")
    options = parser.parse_args()
    with open(options.readings) as file:
        readings = json.load(file)
    try:
        found = fit(readings, options.peak_tflops * 1e12, options.bandwidth_gbs * 1e9)
    except ValueError as error:
        sys.exit(f"{options.readings}: {error}")
    json.dump(rounded(found), sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
