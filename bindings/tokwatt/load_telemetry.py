"""Hours of one DGX Spark in one simulation: all tests of a run, one after another, for its power, heat and clock."""

from __future__ import annotations

import dataclasses
import pathlib
import tempfile
from collections.abc import Mapping

import numpy as np
import pandas as pd

from . import load_suites as suites
from . import simulate
from .load_suites import Requests, Trial
from .results import Results

_REPETITIONS = 4  # of a closed-loop test: a warm-up and three that count
_SHORT = ("01", "03")  # tests whose answers are long and prompts short: how long answers were can be told from the rates
_BETWEEN_BATCHES = 1.0  # s
_BETWEEN_TESTS = 60.0  # s; the suite does not say
_WARM_UP = 1800.0  # s of one request after another before the first test: servers load, compile and warm up; the suite does not say
_MARGIN = 1.005  # a batch may take longer when the box is warm
AMBIENT = 25.0  # degC; the suite does not say, it is what its temperatures ask for


@dataclasses.dataclass
class Day:
    """A run's tests in a row: when each began and ended [s], and all requests."""

    trial: Trial
    begins: dict[str, float]
    ends: dict[str, float]


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


def _shortened(trial: Trial, share: float) -> Requests:
    batch = _batch(trial)
    return Requests(batch.arrival, batch.prompt, np.maximum(np.rint(batch.output * share), 1).astype(int))


def _closed_test(trials: list[Trial], lasted: float) -> list[tuple[Requests, float]]:
    """Batches of a closed-loop test, each with the time until the next one [s], so that the test lasts as long as it did:
    where models stop early, answers are shorter by one share; where it was longer, there are pauses."""
    share = 1.0
    for _ in range(3):
        batches = [_shortened(t, share) for t in trials]
        lengths = [_length(t, b) for t, b in zip(trials, batches, strict=True)]
        whole = _REPETITIONS * sum(lengths)
        if whole <= lasted:
            break
        share *= lasted / whole
    pause = max(_BETWEEN_BATCHES, (lasted - whole) / (_REPETITIONS * len(trials)))
    return [(b, length + pause) for b, length in zip(batches, lengths, strict=True) for _ in range(_REPETITIONS)]


def _open_test(trials: list[Trial], lasted: float) -> list[tuple[Requests, float]]:
    """The open-loop parts of a test, each as long as it was measured."""
    pause = max(0.0, (lasted - sum(t.measured["duration"] for t in trials)) / len(trials))
    parts = []
    for t in trials:
        arrival = t.requests.arrival if t.stream.get("max_in_flight") is None else _as_admitted(t)
        sent = Requests(arrival, t.requests.prompt, t.requests.output)
        parts.append((sent, max(t.measured["duration"], _length(t, t.requests)) + pause))
    return parts


def day_of(closed: list[Trial], opened: list[Trial], lasted: Mapping[str, float]) -> Day:
    """All tests of one run in a row. `lasted` says how long each was recorded [s]."""
    first = _batch(closed[0])
    length = _length(closed[0], first)
    warm = int(_WARM_UP / length) + 1
    parts = [Requests(np.arange(warm) * length, np.full(warm, first.prompt[0]), np.full(warm, first.output[0]))]
    at, begins, ends = warm * length, {}, {}
    for test, seconds in lasted.items():
        at += _BETWEEN_TESTS
        begins[test] = at
        of_test = [t for t in [*closed, *opened] if t.test[:2] == test]
        make = _closed_test if of_test[0].suite == "spark closed loop" else _open_test
        for sent, until_next in make(of_test, seconds):
            parts.append(Requests(at + sent.arrival, sent.prompt, sent.output))
            at += until_next
        ends[test] = at
    whole = Requests(*(np.concatenate([getattr(p, key) for p in parts]) for key in ("arrival", "prompt", "output")))
    return Day(dataclasses.replace(closed[0], test="all", requests=whole, stream={}), begins, ends)


def _as_admitted(trial: Trial) -> np.ndarray:
    """When a client that holds requests back sends them: here as its own simulation says."""
    results = trial.run_it()
    return np.sort(results.requests.admitted.to_numpy())


def samples(day: Day, results: Results) -> pd.DataFrame:
    """The simulated telemetry every 10 s of each test: test, elapsed_s, power_w, temp_c, sm_mhz."""
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
    frame = frame[frame.time >= starts[0]].reset_index(drop=True)  # without the warm-up
    which = np.searchsorted(starts, frame.time.to_numpy() - 1e-9, side="right") - 1
    frame["test"] = [names[i] for i in which]
    frame["elapsed_s"] = np.floor((frame.time - starts[which]) / 10) * 10
    return frame[frame.time <= frame.test.map(day.ends)]


def run_day(day: Day) -> pd.DataFrame:
    """The samples of a day."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = day.trial.scenario(folder) | {"environment": {"ambient": f"{AMBIENT} degC"}}
        return samples(day, simulate.run(scenario, interval="off"))


def measured(path: pathlib.Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype={"test": str})


def lengths(frame: pd.DataFrame) -> dict[str, dict[str, float]]:
    """How long each test of each run was recorded [s]."""
    last = frame.groupby(["run", "test"]).elapsed_s.max().sort_index()
    return {run: {test: float(s) for (_, test), s in of.items()} for run, of in last.groupby(level=0)}
