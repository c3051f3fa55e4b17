#!/usr/bin/env python3
"""Time whole runs of tokwatt on the work that the peers are timed on, beside the peers, in the same minutes.

usage: end_to_end.py [--requests 1000,10000,100000] [--peers vllm-sr-sim,aisimulate,vidur] [--repeats 3]

Llama-3.1-8B in bf16 on one H100, 4 requests a second, lengths from peers/make_trace.py. Wall time is from the start of
the process to its end, results written; the median of the repeats, which alternate so that a busy minute hits all. Ours runs
under `nice -n 10`, as peers/lib.sh runs the peers: on a busy machine one without it would look faster than it is.
Peers are installed on first use, under the work folder. Standard library only. Exit 1: a goal was missed.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PEERS = ("vllm-sr-sim", "aisimulate", "vidur")
RATE, SEED = 4, 1

SCENARIO = """\
title: The common work of bench/end_to_end.py
seed: 1
until: drained
systems:
  rack: {{sheet: h100-sxm-80}}
deployments:
  chat: {{model: llama-3.1-8b, quant: bf16, engine: vllm, runs_on: rack, limits: {{max_num_seqs: 256}}}}
workload:
  - {{name: common, to: chat, trace: {trace}, format: csv}}
record: {{every: 60 s, requests: {requests}}}
"""

# name, stepping, per-request records
VARIANTS = {"tokwatt": ("macro", False), "tokwatt, records": ("macro", True), "tokwatt, token": ("token", False)}

# What a run of tokwatt (no per-request records) must not exceed, and why: see README.md.
WALL_GOALS = {100_000: 2.1}     # [s]
MEMORY_GOALS = {10_000: 28.0}   # [MiB]
START_GOAL = 0.05               # [s] of `tokwatt --help`


def timed(command):
    """Wall seconds and peak resident MiB of one process; what it said on stdout."""
    with tempfile.TemporaryFile() as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            sys.exit(f"{' '.join(map(str, command))}\nended with {process.returncode}:\n{errors.read().decode(errors='replace')}")
    return seconds, usage.ru_maxrss / 1024, output


class Tokwatt:
    def __init__(self, program, work):
        self.program, self.work = program, work

    def run(self, variant, requests, trace):
        stepping, records = VARIANTS[variant]
        scenario = self.work / f"common-{requests}{'-records' if records else ''}.yaml"
        scenario.write_text(SCENARIO.format(trace=trace, requests=str(records).lower()))
        seconds, memory, output = timed(["nice", "-n", "10", self.program, "run", scenario, "--stepping", stepping, "--interval",
                                         "off", "--quiet", "--summary", "json", "-o", self.work / "out.h5"])
        completed = json.loads(output)["requests"]["completed"]
        if completed != requests:
            sys.exit(f"{variant}: {completed} of {requests} requests completed; that is not the common work")
        return seconds, memory

    def start(self):
        return statistics.median(timed([self.program, "--help"])[0] for _ in range(9))


class Peer:
    """peers/NAME/run.sh times itself and says so: `wall_s=5.31 ... peak_rss_mib=208`."""

    def __init__(self, name, work):
        self.name = name
        folder = work / "peers" / name
        folder.mkdir(parents=True, exist_ok=True)
        self.environment = {"PYTHON": sys.executable, **os.environ, "VENV": str(folder / "venv"), "OUT": str(folder / "out")}

    def run(self, trace):
        done = subprocess.run(["bash", HERE / "peers" / self.name / "run.sh", trace], env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        found = re.findall(r"wall_s=([\d.]+) .*peak_rss_mib=(\d+)", done.stdout)
        if done.returncode != 0 or not found:
            sys.exit(f"{self.name} failed:\n{done.stdout}")
        seconds, memory = found[-1]
        return float(seconds), float(memory)


def make_trace(work, requests):
    trace = work / f"trace-{requests}.csv"
    if not trace.exists():
        subprocess.run([sys.executable, HERE / "peers" / "make_trace.py", str(requests), str(RATE), str(SEED), trace], check=True)
    return trace


def measure(requests, tokwatt, peers, work, repeats):
    """name -> (median seconds, least, most, peak MiB)."""
    trace = make_trace(work, requests)
    runs = {name: lambda name=name: tokwatt.run(name, requests, trace) for name in VARIANTS}
    runs.update({peer.name: lambda peer=peer: peer.run(trace) for peer in peers})
    samples = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            samples[name].append(run())
    result = {}
    for name, taken in samples.items():
        seconds = [s for s, _ in taken]
        result[name] = (statistics.median(seconds), min(seconds), max(seconds), max(m for _, m in taken))
    return result


def show(requests, measured):
    ours = measured["tokwatt"][0]
    print(f"\n{requests:,} requests\n")
    print("| | wall s (least to most) | requests/s | peak MiB | time against tokwatt |")
    print("|---|---:|---:|---:|---:|")
    for name, (seconds, least, most, memory) in measured.items():
        print(f"| {name} | {seconds:.2f} ({least:.2f} to {most:.2f}) | {requests / seconds:,.0f} | {memory:.0f} | {seconds / ours:.1f} |")


def judge(goals, what, unit, value, limit):
    met = value <= limit
    goals.append(met)
    print(f"goal {'met' if met else 'MISSED'}: {what} {value:.3g} {unit}, at most {limit:g}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", default="1000,10000,100000")
    parser.add_argument("--peers", default="vllm-sr-sim", help=f"of {','.join(PEERS)}; empty for none")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tokwatt", type=pathlib.Path, default=HERE.parent / "build/release/tokwatt")
    parser.add_argument("--work", type=pathlib.Path, default=HERE.parent / "build/bench-runs")
    options = parser.parse_args()
    names = [name for name in options.peers.split(",") if name]
    if unknown := [name for name in names if name not in PEERS]:
        parser.error(f"no peer {unknown[0]}; there are {', '.join(PEERS)}")
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    tokwatt = Tokwatt(options.tokwatt.resolve(), work)
    peers = [Peer(name, work) for name in names]
    goals, results = [], {}
    for requests in map(int, options.requests.split(",")):
        results[requests] = measure(requests, tokwatt, peers, work, options.repeats)
        show(requests, results[requests])
    print()
    judge(goals, "start of the program", "s", tokwatt.start(), START_GOAL)
    for requests, measured in results.items():
        if requests in WALL_GOALS:
            judge(goals, f"{requests:,} requests in", "s", measured["tokwatt"][0], WALL_GOALS[requests])
        if requests in MEMORY_GOALS:
            judge(goals, f"memory for {requests:,} requests", "MiB", measured["tokwatt"][3], MEMORY_GOALS[requests])
        if "vllm-sr-sim" in measured:
            judge(goals, f"{requests:,} requests, time against vllm-sr-sim", "",
                  measured["tokwatt"][0] / measured["vllm-sr-sim"][0], 1)
    return 0 if all(goals) else 1


if __name__ == "__main__":
    sys.exit(main())
