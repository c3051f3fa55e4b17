"""Hours of one DGX Spark in one simulation: all tests of a run, one after another, for its power, heat and clock."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np
import pandas as pd

from . import load_suites as suites
from .load_suites import Requests, Trial
from .results import Results

_REPETITIONS = 3  # of a closed-loop test
_SHORT = ("01", "03")  # tests whose answers are long and prompts short: how long answers were can be told from the rates
_BETWEEN_BATCHES = 1.0  # s
_BETWEEN_TESTS = 60.0  # s; the suite does not say
_MARGIN = 1.02  # a batch may take longer when the box is warm
AMBIENT = 24.0  # degC; the suite does not say


@dataclasses.dataclass
class Day:
    """A run's tests in a row: when each began [s], and all requests."""

    trial: Trial
    begins: dict[str, float]


def _answers(trial: Trial) -> np.ndarray:
    """Output tokens of a closed-loop batch. Models stop early: the mean answer, over the longest, is the whole rate over
    `concurrency` times that of a request."""
    count, most = len(trial.requests.output), int(trial.requests.output[0])
    if trial.test[:2] not in _SHORT:
        return trial.requests.output
    return suites.stopped_early(trial.measured["tg_tok_s"] / (count * trial.measured["tg_req_tok_s"]), count, most)


def _batch(trial: Trial) -> Requests:
    return Requests(trial.requests.arrival, trial.requests.prompt, _answers(trial))


def _length(trial: Trial, requests: Requests) -> float:
    results = dataclasses.replace(trial, requests=requests).run_it()
    return float(results.requests.finish.max()) * _MARGIN


def day_of(closed: list[Trial], opened: list[Trial]) -> Day:
    """All tests of one run in a row, at times that follow from the simulation itself."""
    at, begins, parts = 0.0, {}, []
    for trial in [*closed, *opened]:
        test = trial.test[:2]
        if test not in begins:
            at += _BETWEEN_TESTS if begins else 0.0
            begins[test] = at
        batches = [_batch(trial)] * _REPETITIONS if trial.suite == "spark closed loop" else [trial.requests]
        held = trial.stream.get("max_in_flight")
        for batch in batches:
            length = _length(trial, batch)
            arrival = batch.arrival if held is None else _as_admitted(trial)
            parts.append(Requests(at + arrival, batch.prompt, batch.output))
            at += length + _BETWEEN_BATCHES
    whole = Requests(*(np.concatenate([getattr(p, key) for p in parts]) for key in ("arrival", "prompt", "output")))
    return Day(dataclasses.replace(closed[0], test="all", requests=whole, stream={}), begins)


def _as_admitted(trial: Trial) -> np.ndarray:
    """When a client that holds requests back sends them: here as its own simulation says."""
    results = trial.run_it()
    return np.sort(results.requests.admitted.to_numpy())


def samples(day: Day, results: Results) -> pd.DataFrame:
    """The simulated telemetry every 10 s: test, elapsed_s, power_w, temp_c, sm_mhz."""
    series = results.series
    frame = pd.DataFrame(
        {
            "time": series.time.values,
            "power_w": series.chip_power.values[:, 0],
            "temp_c": series.temperature.values[:, 0],
            "sm_mhz": series.clock.values[:, 0] / 1e6,
        }
    )
    names, starts = list(day.begins), np.array(list(day.begins.values()))
    which = np.searchsorted(starts, frame.time.to_numpy() - 1e-9, side="right") - 1
    frame["test"] = [names[i] for i in which]
    frame["elapsed_s"] = np.floor((frame.time - starts[which]) / 10) * 10
    return frame


def run_day(day: Day) -> pd.DataFrame:
    """The samples of a day."""
    import tempfile

    from . import simulate

    with tempfile.TemporaryDirectory() as folder:
        scenario = day.trial.scenario(folder) | {"environment": {"ambient": f"{AMBIENT} degC"}}
        return samples(day, simulate.run(scenario))


def measured(path: pathlib.Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype={"test": str})
