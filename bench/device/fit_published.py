#!/usr/bin/env python3
"""What published vLLM runs on one H100 say about its sheet, until a device has been measured with measure_gpu.py.

usage: fit_published.py [h100-sxm-published.csv]

Two least-squares fits over dense bf16 models in steady state:
  time of a step = bytes / (bandwidth * efficiency) + host + per_sequence * batch
  chip power     = static + per_byte * bytes/s + per_flop * FLOP/s       (energy roofline: Choi et al., IPDPS 2013)
The source does not give the mean prompt length, which sets the context and the share of prefill; so the table shows
the fits for a range of it. Where the residuals of both are least is the best that these rows can tell. Needs numpy, scipy.
"""
import csv
import pathlib
import sys

import numpy as np
from scipy.optimize import nnls

BANDWIDTH = 3.35e12  # [B/s], H100 SXM datasheet
POWER_LIMIT = 700.0  # [W]
HELD = 0.92          # above this share of the limit the clock is held down at times
# FLUX.1-dev on the same card, 50 steps of 1024 x 1024, batch 1, 2, 4 (ML.ENERGY v3): compute-bound, so they pin
# per_flop. 6.2 PFLOP an image; its bytes are the weights (24 GB a step) and about 0.2 TB/s of activations (assumed).
FLUX = [(0.0859166, 682.915), (0.0873776, 687.339), (0.0892638, 689.839)]  # images/s, W
FLUX_FLOPS, FLUX_WEIGHT_BYTES, FLUX_ACTIVATIONS = 6.2e15, 50 * 24e9, 0.2e12
PROMPTS = (100, 200, 300, 450, 600, 700, 800, 1000)  # [tokens]


def read(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return [{k: v if k in ("model", "source") else float(v) for k, v in row.items()} for row in rows]


def step(row, prompt):
    """Seconds, bytes and FLOPs of a mean step of `batch` sequences, prefill of their successors included."""
    context = prompt + row["output_tokens"] / 2
    cache = row["kv_bytes_per_token"] * context + row["windowed_kv_bytes_per_token"] * min(context, row["window"])
    moved = 2 * row["parameters_read"] + row["batch"] * cache
    flops = 2 * row["parameters_read"] * row["batch"] * (1 + prompt / row["output_tokens"])
    return row["batch"] / row["throughput_tok_s"], moved, flops


def relative_rms(a, x, y):
    return float(np.sqrt(np.mean((a @ x / y - 1) ** 2)))


def fit_time(rows, prompt):
    steps = [step(row, prompt) for row in rows]
    t = np.array([s[0] for s in steps])
    a = np.array([[s[1] / BANDWIDTH, 1, row["batch"]] for s, row in zip(steps, rows)])
    x, _ = nnls(a / t[:, None], np.ones(len(t)))
    return 1 / x[0], x[1], x[2], relative_rms(a, x, t)


def fit_power(rows, prompt):
    a, watts = [], []
    for row in rows:
        if row["power_w"] < HELD * POWER_LIMIT:
            t, moved, flops = step(row, prompt)
            a.append([1, moved / t / 1e12, flops / t / 1e12])
            watts.append(row["power_w"])
    for rate, power in FLUX:
        a.append([1, (FLUX_WEIGHT_BYTES * rate + FLUX_ACTIVATIONS) / 1e12, FLUX_FLOPS * rate / 1e12])
        watts.append(power)
    a, watts = np.array(a), np.array(watts)
    x, _ = nnls(a, watts)
    return *x, float(np.sqrt(np.mean((a @ x - watts) ** 2)))


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).with_name("h100-sxm-published.csv")
    rows = read(path)
    print("| prompt | memory efficiency | host ms/step | us/sequence | rms | static W | pJ/B | pJ/FLOP | rms W |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for prompt in PROMPTS:
        efficiency, host, per_sequence, error = fit_time(rows, prompt)
        static, per_byte, per_flop, watts = fit_power(rows, prompt)
        print(f"| {prompt} | {efficiency:.3f} | {host * 1e3:.2f} | {per_sequence * 1e6:.0f} | {error:.1%} "
              f"| {static:.0f} | {per_byte:.0f} | {per_flop:.2f} | {watts:.0f} |")


if __name__ == "__main__":
    main()
