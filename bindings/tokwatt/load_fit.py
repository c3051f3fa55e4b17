"""Served runs as evidence for the calibration: what a whole simulation says of the same parameters that `bench` prices.

A simulation is not cheap enough for a fit that asks thousands of times, but its figures are smooth in the parameters: so
they are taken as linear around the fit at hand, the fit is done again, and so on a few times.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import math
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import _core, calibration, load_suites
from .calibration import PARAMETERS, Fit, Place, Problem
from .load_suites import Trial

# What of a trial is compared, and the standard deviation of its logarithm that is expected beside the parameters'.
_COMPARED = {
    "spark open loop": {"ttft_mean": 0.2, "tpot_mean": 0.08, "itl_median": 0.08, "output_tok_s": 0.05},
    "spark closed loop": {"pp_tok_s": 0.1, "tg_req_tok_s": 0.08},
    "H100 stages": {"ttft_mean": 0.1, "itl_mean": 0.03, "e2e_mean": 0.03},
    "recorded": {"tpot_mean": 0.015, "e2e_mean": 0.015},  # the very requests, hundreds of them
    "steady state": {"output_tok_s": 0.08},
}
# Tests of a Spark run share its model, its box and its protocol: a row of them tells less than one of its own would.
_WEIGHT = {"spark open loop": 0.15, "spark closed loop": 0.15, "H100 stages": 1.0, "recorded": 1.0, "steady state": 0.3}
_SHORT_PROMPT = 1500  # tokens: prefills of less are mostly waiting, launches and warm-up
_STEP = 0.1  # of the slopes, on the scale of the links
_TIMES = ("kernel_dispatch", "host_per_step", "host_per_sequence")


def compared(trial: Trial) -> dict[str, float]:
    """Keys of a trial's measurements that the fit sees, with their spreads."""
    keys = dict(_COMPARED[trial.suite])
    if trial.suite == "spark closed loop" and trial.requests.prompt[0] < _SHORT_PROMPT:
        del keys["pp_tok_s"]
    return {k: s for k, s in keys.items() if trial.measured.get(k, 0) > 0}


def tuning_of(linked: Sequence[float]) -> dict[str, Any]:
    """Parameters as a sheet gives them."""
    natural = {p: calibration.unlink(p, v) for p, v in zip(PARAMETERS, linked, strict=True)}
    return {p: f"{v:.9g} s" if p in _TIMES else v for p, v in natural.items()}


def simulated(trial: Trial, linked: Sequence[float]) -> dict[str, float]:
    """Figures of a trial with these parameters."""
    system = {**trial.system, "engines": {trial.deployment["engine"]: {"tuning": tuning_of(linked)}}}
    return dataclasses.replace(trial, system=system).simulated()


def place_of(trial: Trial) -> Place:
    """What decides a trial's parameters."""
    d = trial.deployment

    def about(model: str, quant: str) -> dict[str, Any]:
        row = {"system": trial.system["sheet"], "model": model, "quant": quant, "engine": d["engine"], "generate": 1}
        return _core.BenchProblems([row]).about[0]

    own = about(d["model"], d["quant"])
    if "error" not in own:
        of_quant = of_model = own
    else:  # too large for one of several devices: the names are the same of a small model in this format, and of this one in a small format
        of_quant, of_model = about("qwen3-0.6b", d["quant"]), about(d["model"], "awq-int4")
    return Place(of_quant["engine"], of_quant["engine_family"], of_quant["architecture"], of_quant["box"], of_quant["unpack"], of_model["family"])


def trials(folder: pathlib.Path) -> list[Trial]:
    """The served trials that are fitted to."""
    return [
        *load_suites.spark_open(folder),
        *load_suites.spark_closed(folder),
        *load_suites.serving_stages(folder / "serving.csv"),
        *load_suites.recorded_runs(folder),
        *load_suites.steady_states(folder / "energy.csv"),
    ]


_SOURCES = {
    "spark open loop": "github.com/djangodevreng/dgx-spark-benchmarks",
    "spark closed loop": "github.com/djangodevreng/dgx-spark-benchmarks",
    "H100 stages": "github.com/inference-sim/sim-to-real-accuracy-validation",
    "recorded": "github.com/casys-kaist/LLMServingSim",
    "steady state": "github.com/ml-energy/leaderboard",
}


class WithServed(Problem):
    """Tests that `bench` prices, then served trials, linear in the parameters around where they were simulated last."""

    def __init__(self, bench: Problem, served: Sequence[Trial]) -> None:
        self.bench, self.trials = bench, list(served)
        self.keys = [compared(t) for t in served]
        pairs = [(i, key, spread) for i, keys in enumerate(self.keys) for key, spread in keys.items()]
        self._trial = [i for i, _, _ in pairs]
        self._scale = np.array([spread for _, _, spread in pairs])
        self.trial_places = [place_of(t) for t in served]
        self.places = [*bench.places, *(self.trial_places[i] for i in self._trial)]
        self.rows = [*bench.rows, *({"run": self.trials[i].run, "test": self.trials[i].test, "key": key} for i, key, _ in pairs)]
        self.measured = np.concatenate([bench.measured, [math.log(self.trials[i].measured[key]) for i, key, _ in pairs]])
        self.weight = np.concatenate([bench.weight, [_WEIGHT[self.trials[i].suite] for i, _, _ in pairs]])
        # Of served rows there is no roofline and no score: they are careful ones, which spreads leave out.
        self.careful = np.concatenate([bench.careful, np.ones(len(pairs), bool)])
        self.decode = np.concatenate([bench.decode, np.zeros(len(pairs), bool)])
        self.bound = np.concatenate([bench.bound, np.full(len(pairs), np.inf)])
        self.centre = calibration.centres(self.places)
        self._around = np.zeros((len(pairs), len(PARAMETERS)))
        self._at = np.zeros(len(pairs))
        self._slopes = np.zeros((len(pairs), len(PARAMETERS)))

    @property
    def sources(self) -> list[str]:
        """Where the served rows come from."""
        return [_SOURCES[self.trials[i].suite] for i in self._trial]

    @property
    def served_places(self) -> list[Place]:
        """Places of the served rows."""
        return self.places[len(self.bench.rows) :]

    @property
    def runs(self) -> list[str]:
        """Run or experiment of the served rows."""
        return [self.trials[i].run for i in self._trial]

    def simulate_around(self, result: Fit) -> None:
        """Simulates every trial at a fit's parameters, and a step from each of them."""
        linked = calibration.parameters_of(result, self.trial_places)
        count = len(self.trials)
        jobs = [(i, linked[i] + shift) for shift in [np.zeros(len(PARAMETERS)), *(_STEP * np.eye(len(PARAMETERS)))] for i in range(count)]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            figures = list(pool.map(lambda job: simulated(self.trials[job[0]], job[1]), jobs))
        logs = np.array(
            [[math.log(figures[v * count + i][key]) for i, keys in enumerate(self.keys) for key in keys] for v in range(1 + len(PARAMETERS))]
        )
        self._around, self._at = linked[self._trial], logs[0]
        self._slopes = ((logs[1:] - logs[0]) / _STEP).T

    def predicted(self, linked: np.ndarray) -> np.ndarray:
        n = len(self.bench.rows)
        served = self._at + ((linked[n:] - self._around) * self._slopes).sum(axis=1)
        return np.concatenate([self.bench.predicted(linked[:n]), served])

    def jacobian(self, linked: np.ndarray, step: float = 1e-3) -> tuple[np.ndarray, np.ndarray]:
        n = len(self.bench.rows)
        at, slopes = self.bench.jacobian(linked[:n], step)
        return np.concatenate([at, self.predicted(linked)[n:]]), np.vstack([slopes, self._slopes])

    def scale(self) -> np.ndarray:
        return np.concatenate([self.bench.scale(), self._scale])


def fit(problem: WithServed, start: Fit, *, spread: calibration.Spread, rounds: int = 7, progress: Callable[[str], None] = print) -> Fit:
    """The most probable effects given both, from a fit to the tests of `bench` alone.

    Figures of whole simulations jump a little as parameters move, so that rounds do not settle: the best of them counts.
    The problem is left linear around it.
    """
    effects = calibration.Effects(problem.places, spread)
    value = np.array([start.value[start.effects.index[key]] if key in start.effects.index else 0.0 for key in effects.index])
    best = now = Fit(effects, value, np.diag(effects.spread**2))
    least = math.inf
    for round_ in range(1, rounds + 1):
        problem.simulate_around(now)
        surprise = calibration.surprise(problem, now)
        error = np.abs(np.expm1(problem._at - problem.measured[len(problem.bench.rows) :]))
        progress(f"served, round {round_}: median error {np.median(error):.1%}, surprise {surprise:.1f}")
        if surprise < least and round_ > 1:
            best, least = now, surprise
        if round_ < rounds:
            now = calibration.fit(problem, spread=spread, start=now, iterations=10)
    if best is not now:
        problem.simulate_around(best)
    return best
