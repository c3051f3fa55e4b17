"""The fits find the numbers that made-up readings were made from, and refuse readings that cannot tell."""
import math
import pathlib
import sys

import numpy as np
import pytest

pytest.importorskip("scipy")
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench" / "device"))
import fit_gpu  # noqa: E402

PEAK, BANDWIDTH, FLOOR = 989.4e12, 3.35e12, 2.5e-6
IDLE, ACTIVE, PER_BYTE, PER_FLOP = 70.0, 90.0, 60e-12, 0.45e-12
FAST, SLOW = (0.03, 1.5), (0.02, 35.0)  # K/W, s


def curve(noise=0.0):
    rng = np.random.default_rng(1)
    points = []
    for rows in (1, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 8192):
        t = fit_gpu.matmul_time(rows, 4096, 14336, 2, PEAK, BANDWIDTH, 0.75, 90.0, 0.85, FLOOR)
        points.append({"rows": rows, "seconds": float(t * math.exp(noise * rng.standard_normal()))})
    return {"dtype": "bf16", "k": 4096, "n": 14336, "bytes_per_weight": 2, "points": points}


def readings():
    """Loads with known rates; power follows the energy roofline, temperature two stages."""
    loads = [("idle", 30, 0, 0), ("cached", 10, 0, 0), ("read", 15, 3.0e12, 0), ("triad", 15, 2.9e12, 0),
             ("matmul-1", 10, 2.8e12, 3e12), ("matmul-64", 10, 2.6e12, 160e12), ("matmul-256", 10, 1.5e12, 400e12),
             ("heat-up", 75, 0.3e12, 600e12), ("cool-down", 100, 0, 0)]
    phases, telemetry, now, degc = [], [], 0.0, [0.0, 0.0]
    for name, seconds, byte_rate, flop_rate in loads:
        busy = name not in ("idle", "cool-down")
        watts = IDLE + (ACTIVE + PER_BYTE * byte_rate + PER_FLOP * flop_rate if busy else 0)
        phases.append({"name": name, "begin_s": now, "end_s": now + seconds, "flops": flop_rate * seconds,
                       "bytes": byte_rate * seconds})
        for _ in range(seconds * 10):
            for i, (r, tau) in enumerate((FAST, SLOW)):
                degc[i] += (1 - math.exp(-0.1 / tau)) * (r * watts - degc[i])
            now += 0.1
            telemetry.append([now, watts, 30 + sum(degc), None, 1980.0, 2619.0])
    return {"provenance": {"device": "cuda", "name": "made up", "driver_version": "0", "power_limit": "700.00 W"},
            "phases": phases, "telemetry": telemetry, "matmul": [curve()],
            "launches": {"kernels": 2000, "one_by_one_s": 8e-3, "graph_s": 2e-3},
            "streams": [{"load": "read", "array_bytes": 2**20, "bytes": 2**20, "seconds": 2**20 / 9e12},
                        {"load": "read", "array_bytes": 2**30, "bytes": 2**30, "seconds": 2**30 / 3.0e12}]}


def test_matmul_fit_finds_the_roofline_it_was_made_from():
    found = fit_gpu.fit_matmul(curve(), PEAK, BANDWIDTH, FLOOR)
    assert found["compute_efficiency"] == pytest.approx(0.75, rel=0.01)
    assert found["rows_half"] == pytest.approx(90, rel=0.05)
    assert found["memory_efficiency"] == pytest.approx(0.85, rel=0.01)


def test_matmul_fit_bears_three_percent_of_noise():
    found = fit_gpu.fit_matmul(curve(noise=0.03), PEAK, BANDWIDTH, FLOOR)
    assert found["compute_efficiency"] == pytest.approx(0.75, rel=0.06)
    assert found["memory_efficiency"] == pytest.approx(0.85, rel=0.06)


def test_power_fit_separates_idle_active_bytes_and_flops():
    found = fit_gpu.fit(readings(), PEAK, BANDWIDTH)["power"]
    assert found["idle_w"] == pytest.approx(IDLE)
    assert found["active_w"] == pytest.approx(ACTIVE, rel=1e-6)
    assert found["per_byte_pj"] == pytest.approx(60, rel=1e-6)
    assert found["per_flop_pj"] == pytest.approx(0.45, rel=1e-6)


def test_a_load_held_at_the_power_limit_is_left_out():
    made = readings()
    capped = next(p for p in made["phases"] if p["name"] == "matmul-256")
    for row in made["telemetry"]:
        if capped["begin_s"] < row[0] <= capped["end_s"]:
            row[1], row[4] = 699.0, 1400.0
    found = fit_gpu.fit(made, PEAK, BANDWIDTH)["power"]
    assert "matmul-256" not in found["phases"]
    assert found["per_flop_pj"] == pytest.approx(0.45, rel=1e-6)


def test_heat_fit_finds_both_stages():
    found = fit_gpu.fit(readings(), PEAK, BANDWIDTH)["heat"]
    fast, slow = found["stages"]
    assert fast["tau_s"] == pytest.approx(FAST[1], rel=0.1)
    assert fast["resistance_k_per_w"] == pytest.approx(FAST[0], rel=0.1)
    # 75 s of heat-up fill the slow stage to 1 - exp(-75/35), about 88 %.
    assert slow["tau_s"] == pytest.approx(SLOW[1], rel=0.1)
    assert slow["resistance_k_per_w"] == pytest.approx(SLOW[0], rel=0.15)


def test_streams_that_fit_the_cache_do_not_count_as_bandwidth():
    found = fit_gpu.fit(readings(), PEAK, BANDWIDTH)
    assert found["memory_efficiency"] == pytest.approx(3.0 / 3.35)
    assert found["kernel_dispatch_s"] == {"one_by_one": pytest.approx(4e-6), "graph": pytest.approx(1e-6)}


def test_readings_of_a_trial_on_the_processor_are_refused():
    made = readings()
    made["provenance"]["device"] = "cpu"
    with pytest.raises(ValueError, match="not from a GPU"):
        fit_gpu.fit(made, PEAK, BANDWIDTH)
