"""Scores simulations of served runs against what was measured: `python -m tokwatt.load_validation docs/validation/load -o
docs/validation-load.md`, which `./dev validate` runs too.

Every test of every suite is simulated as it was run, with the calibration that comes with the program, and again with one
fitted without that test's run. Nothing is fitted by run or test.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import math
import os
import pathlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from . import calibration, load_fit, load_suites, load_telemetry, measurements, population
from .load_suites import Trial

Figures = dict[str, float]

POWER_SPREAD = 0.10  # kPowerSpread of scenarios/intervals.cpp


@dataclasses.dataclass
class Served:
    """Trials, and what was simulated of each: with everything known, and without its run (None: not asked for)."""

    trials: list[Trial]
    simulated: list[Figures]
    without: list[Figures] | None = None
    intervals: list[dict[str, tuple[float, float]]] | None = None  # 90 %, with everything known

    def table(self) -> pd.DataFrame:
        """One row per trial and figure: suite, run, test, key, measured, simulated, without."""
        rows = [
            (t.suite, t.run, t.test, key, measured, now[key], without[key] if without else np.nan)
            for t, now, without in zip(self.trials, self.simulated, self.without or [None] * len(self.trials), strict=True)
            for key, measured in t.measured.items()
            if key in now and measured > 0
        ]
        return pd.DataFrame(rows, columns=["suite", "run", "test", "key", "measured", "simulated", "without"])


def _parallel(work: Callable[[int], Figures], count: int) -> list[Figures]:
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, range(count)))


def as_shipped(trials: Sequence[Trial]) -> list[Figures]:
    """Every trial, with the calibration of the program."""
    return _parallel(lambda i: trials[i].simulated(), len(trials))


# What intervals of runs are checked for: figures of trials under their names in the summary.
CHECKED = {
    "output_tok_s": "throughput_tok_s.output",
    "ttft_mean": "ttft_s.mean",
    "tpot_mean": "tpot_s.mean",
    "itl_mean": "itl_s.mean",
    "e2e_mean": "e2e_s.mean",
}


def intervals(trials: Sequence[Trial]) -> list[dict[str, tuple[float, float]]]:
    """The 90 % intervals of every trial, as `--interval 16` gives them."""

    def of(trial: Trial) -> dict[str, tuple[float, float]]:
        summary = trial.run_it(interval=16).summary
        # Where the draws change nothing there is no interval: the answer itself is both ends.
        return {key: summary["interval90"].get(name, [_at(summary, name)] * 2) for key, name in CHECKED.items()}

    return [of(trial) for trial in trials]


def _at(summary: Mapping[str, Any], name: str) -> float:
    for part in name.split("."):
        summary = summary[part]
    return summary


def coverage(served: Served) -> pd.DataFrame:
    """By suite and figure: rows, the share of measurements inside their interval, the median half width and the standard
    deviation of log(measured / simulated)."""
    rows = [
        (t.suite, key, lo <= t.measured[key] <= hi, math.log(hi / lo) / 2, math.log(t.measured[key] / now[key]))
        for t, now, bars in zip(served.trials, served.simulated, served.intervals or [], strict=True)
        for key, (lo, hi) in bars.items()
        if t.measured.get(key, 0) > 0 and key in now
    ]
    table = pd.DataFrame(rows, columns=["suite", "key", "inside", "half", "residual"])
    groups = table.groupby(["suite", "key"], sort=False)
    return groups.agg(rows=("inside", "size"), inside=("inside", "mean"), half=("half", "median"), sd=("residual", "std")).reset_index()


def without_run(folder: pathlib.Path, trials: Sequence[Trial], progress: Callable[[str], None]) -> list[Figures]:
    """Every trial, with a calibration that has not seen its run: neither the trials nor the rows of measurements.csv."""
    read = measurements.read(folder.with_name("measurements.csv"), clean=False)
    bench = population.problem_of(read)
    both = load_fit.WithServed(bench, load_fit.trials(folder))
    whole = load_fit.fit(both, calibration.cooled_fit(bench), spread=calibration._SPREAD, rounds=4, progress=progress)
    urls = [read[i].url for i in bench.kept]
    of_rows = [*(_run_of(url) for url in urls), *both.runs]
    parameters: dict[str, np.ndarray] = {}
    for run in dict.fromkeys(t.run for t in trials):
        out = np.array([_same_machine_and_model(run, other) for other in of_rows])
        fitted = calibration.fit(both, use=~out, start=whole, iterations=10)
        mine = [t for t in trials if t.run == run]
        parameters[run] = calibration.parameters_of(fitted, [load_fit.place_of(t) for t in mine])
        progress(f"without {run}")
    seen: dict[str, int] = {}
    linked = []
    for t in trials:
        linked.append(parameters[t.run][seen.get(t.run, 0)])
        seen[t.run] = seen.get(t.run, 0) + 1
    return _parallel(lambda i: load_fit.simulated(trials[i], linked[i]), len(trials))


def _run_of(url: str) -> str:
    """The Spark suite's run that a row of measurements.csv comes from: folders of its address."""
    return "/".join(url.split("/")[-3:-1]) if "dgx-spark-benchmarks" in url else ""


def _same_machine_and_model(run: str, other: str) -> bool:
    """The suite ran one model twice: both are left out together."""
    return other.removesuffix("-v23") == run.removesuffix("-v23")


def errors(table: pd.DataFrame, column: str) -> pd.Series:
    return (table[column] / table.measured - 1).abs()


# What the issue asks for: (suite, figure, what it is, percent).
GOALS = [
    ("spark open loop", "output_tok_s", "output throughput", 5),
    ("spark open loop", "tpot_mean", "mean TPOT", 10),
    ("spark open loop", "ttft_mean", "mean TTFT", 15),
    ("spark open loop", "e2e_mean", "mean end-to-end", None),
    ("spark closed loop", "tg_tok_s", "generation, all requests", 12),
    ("spark closed loop", "tg_req_tok_s", "generation, each request", None),
    ("spark closed loop", "pp_tok_s", "prompts", 20),
    ("spark closed loop", "ttft_mean", "e2e_ttft", 20),
    ("H100 stages", "ttft_mean", "mean TTFT", 12),
    ("H100 stages", "itl_mean", "mean ITL", 7),
    ("H100 stages", "e2e_mean", "mean end-to-end", 7),
    ("H100 stages", "e2e_p99", "p99 end-to-end", 15),
    ("recorded", "e2e_mean", "mean end-to-end", 5),
    ("recorded", "tpot_mean", "mean TPOT", 3),
    ("recorded", "ttft_mean", "mean TTFT", None),
    ("steady state", "output_tok_s", "output throughput", None),
]


def scores(table: pd.DataFrame) -> pd.DataFrame:
    """Median errors by suite and figure: suite, figure, rows, median, without, asked (fractions)."""
    rows = []
    for suite, key, name, asked in GOALS:
        part = table[(table.suite == suite) & (table.key == key)]
        rows.append((suite, name, len(part), errors(part, "simulated").median(), errors(part, "without").median(), asked / 100 if asked else np.nan))
    return pd.DataFrame(rows, columns=["suite", "figure", "rows", "median", "without", "asked"])


def knee(rates: Sequence[float], throughput: Sequence[float]) -> int:
    """Index of the rate step at which a server saturates: the first whose throughput gains less than half of what the rate
    gains; the number of steps if none does."""
    gains = np.diff(np.log(throughput)) / np.diff(np.log(rates))
    below = np.flatnonzero(gains < 0.5)
    return int(below[0]) + 1 if len(below) else len(rates)


def knees(served: Served) -> pd.DataFrame:
    """By run: the saturation knee of test 11, measured and simulated [requests/s; inf: not reached]."""
    rows = []
    for run, pairs in _by_run(served).items():
        sweep = [(t.measured["rate"], t.measured["output_tok_s"], now["output_tok_s"]) for t, now in pairs if t.test.startswith("11")]
        if len(sweep) < 3:
            continue
        rates, measured, simulated = (list(column) for column in zip(*sorted(sweep), strict=True))
        at = [*rates, np.inf]
        m, s = knee(rates, measured), knee(rates, simulated)
        rows.append((run, at[m], at[s], abs(m - s)))
    return pd.DataFrame(rows, columns=["run", "measured", "simulated", "steps apart"])


def _by_run(served: Served) -> dict[str, list[tuple[Trial, Figures]]]:
    out: dict[str, list[tuple[Trial, Figures]]] = {}
    for t, now in zip(served.trials, served.simulated, strict=True):
        out.setdefault(t.run, []).append((t, now))
    return out


@dataclasses.dataclass
class Telemetry:
    """Samples every 10 s, measured and simulated: run, test, elapsed_s, power_w, temp_c, sm_mhz."""

    measured: pd.DataFrame
    simulated: pd.DataFrame

    def mean_power(self) -> pd.DataFrame:
        """By run and test: measured and simulated mean GPU-domain power [W]."""
        means = [frame.groupby(["run", "test"]).power_w.mean() for frame in (self.measured, self.simulated)]
        return pd.concat(means, axis=1, keys=["measured", "simulated"]).dropna()

    def pairs(self) -> pd.DataFrame:
        """Measured samples beside simulated ones of the same instant of the same test (`..._simulated`)."""
        return self.measured.merge(self.simulated, on=["run", "test", "elapsed_s"], suffixes=("", "_simulated"))

    def temperatures(self, within: float = np.inf) -> pd.Series:
        """Simulated less measured temperature [K], of the samples whose simulated power is that close to the measured one [W]."""
        pairs = self.pairs()
        chosen = pairs[(pairs.power_w_simulated - pairs.power_w).abs() < within]
        return chosen.temp_c_simulated - chosen.temp_c

    def slopes(self, above: float = 75.0) -> tuple[float, float]:
        """Clock over temperature [MHz/K] where the GPU draws more than `above` W: measured, simulated."""
        hot = [frame[frame.power_w > above] for frame in (self.measured, self.simulated)]
        return tuple(float(np.polyfit(frame.temp_c, frame.sm_mhz, 1)[0]) for frame in hot)


def telemetry(folder: pathlib.Path) -> Telemetry:
    """All runs of the Spark suite as days in one go."""
    closed, opened = load_suites.of_runs(load_suites.spark_closed(folder)), load_suites.of_runs(load_suites.spark_open(folder))

    measured = load_telemetry.measured(folder / "telemetry.csv.gz")
    lasted = load_telemetry.lengths(measured)

    def day(run: str) -> pd.DataFrame:
        instants = measured.loc[measured.run == run, ["test", "elapsed_s"]]
        return load_telemetry.run_day(load_telemetry.day_of(closed[run], opened[run], lasted[run]), instants).assign(run=run)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        simulated = pd.concat(list(pool.map(day, closed)))
    return Telemetry(measured, simulated)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tokwatt.load_validation", description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, help="the page to write; without it the medians alone, on the terminal")
    options = parser.parse_args(arguments)

    def progress(what: str) -> None:
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)

    trials = load_fit.trials(options.folder)
    served = Served(trials, as_shipped(trials))
    if options.output:
        from . import load_report  # needs matplotlib, which nothing else does

        progress("intervals")
        served.intervals = intervals(trials)
        served.without = without_run(options.folder, trials, progress)
        load_report.write(served, telemetry(options.folder), options.folder, options.output)
        print(file=sys.stderr)
        return 0
    served.intervals = intervals(trials)
    _show(served, telemetry(options.folder))
    return 0


def _show(served: Served, heat: Telemetry) -> None:
    for row in scores(served.table()).to_dict("records"):
        asked = f"{row['asked']:.0%}" if row["asked"] > 0 else ""
        print(f"{row['suite']:18} {row['figure']:26} {row['rows']:4} {row['median']:7.1%} {asked:>5}")
    for row in coverage(served).to_dict("records"):
        print(f"{row['suite']:18} {row['key']:14} {row['rows']:4} {row['inside']:5.0%} inside; half width {row['half']:.2f}, sd {row['sd']:.2f}")
    apart = knees(served)["steps apart"]
    print(f"knee of test 11: {(apart <= 1).sum()} of {len(apart)} runs at the right step or beside it")
    power, kelvin = heat.mean_power(), heat.temperatures()
    print(f"mean power of a test: {within_spread(power):.0%} inside the interval of runs")
    print(f"mean power of a test: median error {(power.simulated / power.measured - 1).abs().median():.1%}, asked 10%")
    print(f"temperature: median error {kelvin.abs().median():.1f} K, 90th percentile {kelvin.abs().quantile(0.9):.1f} K, asked 2.5 and 7")
    print("clock over temperature: measured {:.1f}, simulated {:.1f} MHz/K".format(*heat.slopes()))


def within_spread(power: pd.DataFrame) -> float:
    """The share of tests whose mean power lies within the 90 % of the spread that intervals of runs give to powers."""
    return float((np.log(power.simulated / power.measured).abs() <= 1.645 * POWER_SPREAD).mean())


def by_run(table: pd.DataFrame, suite: str, keys: Mapping[str, str]) -> pd.DataFrame:
    """Median errors of a suite's runs, a column for each figure."""
    part = table[(table.suite == suite) & table.key.isin(list(keys))].assign(error=lambda t: errors(t, "simulated"))
    return part.pivot_table(index="run", columns="key", values="error", aggfunc="median")[list(keys)].rename(columns=dict(keys))


if __name__ == "__main__":
    sys.exit(main())
