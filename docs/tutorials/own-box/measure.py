"""Makes the models and measures them with llama-bench and llama-batched-bench: writes recorded/.

    measure.py --tools DIR --work DIR [--only MODEL]

Other work on the machine is kept out as far as it goes: it waits for a quiet moment, measures at real-time priority
where that is allowed, and writes down how much of the processors others had all the same (quiet.csv).
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

import models

HERE = pathlib.Path(__file__).parent
REALTIME = ["chrt", "--rr", "1"]
WAIT_FOR_QUIET = 300.0  # [s]
QUIET = 0.5  # load average below which nobody else is at work


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is measured of a model: its quants, and the two that are also measured at depth and in batches."""

    model: str
    quants: tuple[str, ...]
    depth: str
    batch: str


PLANS = (
    Plan("qwen3-0.6b", ("f16", "q8_0", "q4_0", "q4_k_m"), depth="q8_0", batch="q4_0"),
    Plan("llama-3.2-1b", ("f16", "q8_0", "q4_0", "q4_k_m"), depth="q4_0", batch="q8_0"),
    Plan("gemma-3-1b", ("q8_0", "q4_0"), depth="q8_0", batch="q4_0"),
    Plan("granite-3.1-1b-a400m", ("q8_0", "q4_0", "q4_k_m"), depth="q4_0", batch="q4_0"),
)
PLAIN = ["-p", "32,256", "-n", "24", "-r", "4"]
DEPTH = ["-p", "128", "-n", "24", "-d", "512,1536", "-r", "2"]
ONE_THREAD_OF = "qwen3-0.6b-q8_0"
ONE_THREAD = ["-p", "256", "-n", "24", "-r", "3"]
BATCH = ["-npp", "32", "-ntg", "16", "-npl", "1,2,4,8,16,1,2,4,8,16", "-c", "1280", "-b", "2048", "-ub", "512"]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def make(plan: Plan, tools: pathlib.Path, folder: pathlib.Path) -> None:
    """The files of a model that are not there yet: F16, and from it the quants by llama-quantize."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [q for q in plan.quants if not (folder / f"{plan.model}-{q}.gguf").exists()]
    f16 = folder / f"{plan.model}-f16.gguf"
    if missing and not f16.exists():
        say(f"writing {f16.name}")
        models.write(plan.model, part := f16.with_suffix(".part"))
        part.rename(f16)
    for quant in missing:
        path = folder / f"{plan.model}-{quant}.gguf"
        if path == f16:
            continue
        say(f"quantizing {path.name}")
        part = path.with_suffix(".part")
        subprocess.run([tools / "llama-quantize", f16, part, quant], check=True, capture_output=True)
        part.rename(path)
    if "f16" not in plan.quants:
        f16.unlink(missing_ok=True)


def may_be_realtime() -> bool:
    try:
        return subprocess.run([*REALTIME, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def wait_for_quiet() -> float:
    """Waits for a low load average, not for ever [s]."""
    start = time.monotonic()
    while os.getloadavg()[0] > QUIET and time.monotonic() - start < WAIT_FOR_QUIET:
        time.sleep(5)
    return time.monotonic() - start


def processor_seconds() -> tuple[float, float]:
    """Time that all processors have spent at work, and that the host has taken from them [s]."""
    jiffies = [int(n) for n in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = (n / os.sysconf("SC_CLK_TCK") for n in jiffies)
    return user + nice + system + irq + softirq, steal


class Meter:
    """Runs a command and writes down how much of the machine others had meanwhile."""

    def __init__(self) -> None:
        self.priority = REALTIME if may_be_realtime() else []
        self.rows: list[dict] = []

    def run(self, name: str, command: list) -> str:
        busy, steal = processor_seconds()
        own = os.times()
        start = time.monotonic()
        done = subprocess.run([*self.priority, *map(str, command)], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{command[0]} failed:\n{done.stderr[-2000:]}")
        wall = time.monotonic() - start
        now = os.times()
        mine = now.children_user + now.children_system - own.children_user - own.children_system
        busy_now, steal_now = processor_seconds()
        share = 1 / (wall * os.cpu_count())
        others, taken = max(0.0, (busy_now - busy - mine) * share), (steal_now - steal) * share
        self.rows.append({"file": name, "seconds": f"{wall:.1f}", "others": f"{others:.3f}", "steal": f"{taken:.3f}"})
        say(f"{name}: {wall:.1f} s, others {others:.1%}, taken by the host {taken:.1%}")
        if self.priority and os.getloadavg()[0] > os.cpu_count() + QUIET:
            time.sleep(wall / 2)  # real-time work starves all others: let them breathe
        return done.stdout


def json_lines(text: str) -> str:
    return "".join(line + "\n" for line in text.splitlines() if line.startswith("{"))


class Bench:
    """llama.cpp's two benchmarks, run in the folder of the models: the record then names files, not folders."""

    def __init__(self, tools: pathlib.Path, folder: pathlib.Path, meter: Meter) -> None:
        self.tools, self.folder, self.meter = tools, folder, meter

    def _run(self, name: str, tool: str, model: str, *options: object) -> str:
        return json_lines(self.meter.run(name, ["env", "-C", self.folder, self.tools / tool, "-m", model, *options]))

    def plain(self, file: str, threads: int, options: list[str], what: str = "") -> str:
        return self._run(f"{file}{what}", "llama-bench", f"{file}.gguf", "-t", threads, "-o", "jsonl", *options)

    def batched(self, file: str, threads: int) -> str:
        options = ["-t", threads, *BATCH, "--output-format", "jsonl"]
        return self._run(f"{file} batched", "llama-batched-bench", f"{file}.gguf", *options)


def measure(plan: Plan, bench: Bench, into: pathlib.Path, threads: int) -> None:
    for quant in plan.quants:
        file = f"{plan.model}-{quant}"
        text = bench.plain(file, threads, PLAIN)
        if quant == plan.depth:
            text += bench.plain(file, threads, DEPTH, " depth")
        (into / f"{file}.jsonl").write_text(text)
        if quant == plan.batch:
            (into / f"{file}-batched.jsonl").write_text(bench.batched(file, threads))


def cpu_name() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def roof(meter: Meter, work: pathlib.Path) -> list[dict]:
    program = work / "roof"
    options = ["-O3", "-march=native", "-mprefer-vector-width=512", "-funroll-loops", "-pthread", "-D_GNU_SOURCE"]
    subprocess.run(["cc", *options, "-o", program, HERE / "roof.c"], check=True)
    return [json.loads(meter.run(f"roof {t}", [program, t])) for t in range(1, os.cpu_count() + 1)]


def write_quiet(rows: list[dict], path: pathlib.Path) -> None:
    """Adds rows to what is recorded; a file that was measured again takes the place of its older self."""
    kept = {}
    if path.exists():
        with path.open(newline="") as file:
            kept = {row["file"]: row for row in csv.DictReader(file)}
    kept |= {row["file"]: row for row in rows}
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept.values())


def describe(meter: Meter, work: pathlib.Path) -> dict:
    """The machine, and how quiet it is before measuring."""
    waited = wait_for_quiet()
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": cpu_name(),
        "processors": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "compiler": subprocess.run(["cc", "--version"], capture_output=True, text=True).stdout.splitlines()[0],
        "realtime_priority": bool(meter.priority),
        "waited_s": round(waited),
        "load_before": os.getloadavg()[0],
        "roof": roof(meter, work),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tools", type=pathlib.Path, required=True, help="folder of llama-bench and its siblings")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for the models, some 12 GB")
    names = [p.model for p in PLANS]
    parser.add_argument("--only", choices=names, help="measure one model again, for the record that is there")
    arguments = parser.parse_args()
    tools, work, into = arguments.tools.resolve(), arguments.work.resolve(), HERE / "recorded"
    plans = [p for p in PLANS if arguments.only in (None, p.model)]
    (into / "models").mkdir(parents=True, exist_ok=True)
    for plan in plans:
        make(plan, tools, work / "models")
        for quant in plan.quants:
            file = f"{plan.model}-{quant}.gguf"
            (into / "models" / file).write_bytes(models.header(work / "models" / file))
    meter = Meter()
    machine = {} if arguments.only else describe(meter, work)
    bench = Bench(tools, work / "models", meter)
    for plan in plans:
        measure(plan, bench, into, os.cpu_count())
        if ONE_THREAD_OF.startswith(plan.model):
            text = bench.plain(ONE_THREAD_OF, 1, ONE_THREAD, " one thread")
            (into / f"one-thread-{ONE_THREAD_OF}.jsonl").write_text(text)
    if machine:
        (into / "quiet.csv").unlink(missing_ok=True)
        machine["load_after"] = os.getloadavg()[0]
        (into / "machine.json").write_text(json.dumps(machine, indent=1) + "\n")
    write_quiet(meter.rows, into / "quiet.csv")


if __name__ == "__main__":
    main()
