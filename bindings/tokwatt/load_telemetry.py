"""Hours of one DGX Spark in one simulation: all tests of a run, one after another, for its power, heat and clock."""

from __future__ import annotations

import dataclasses
import pathlib
import tempfile
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from . import load_suites as suites
from . import simulate
from .load_suites import Requests, Trial
from .results import Results

_REPETITIONS = 4  # of a closed-loop test: a warm-up and three that count
_WARM_UP_PROMPT, _WARM_UP_OUTPUT = 16, 100  # tokens of a closed-loop client before its first batch: what the telemetry shows
_SHORT = ("01", "03")  # tests whose answers are long and prompts short: how long answers were can be told from the rates
_BETWEEN_TESTS = 60.0  # s; the suite does not say
_WARM_UP = 1800.0  # s of one request after another before the first test: servers load, compile and warm up; the suite does not say
AMBIENT = 25.0  # degC; the suite does not say, it is what its temperatures ask for


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


def _length(trial: Trial, output: np.ndarray) -> float:
    """How long a closed-loop batch with these answers took by the measured rates [s]: one prompt, then answers from the first
    token of all to the last."""
    return trial.requests.prompt[0] / trial.measured["pp_tok_s"] + (output.sum() - len(output)) / trial.measured["tg_tok_s"]


def _closed_test(trials: list[Trial], lasted: float, rate: float) -> list[tuple[Requests, float]]:
    """The warm-up and the batches of a closed-loop test, each with the time until the next one [s]; `rate` is that of one
    answer alone [tokens/s]. Where the test was shorter than its rates say, the model stopped early: answers are shorter by
    one share. Where it was longer, there are pauses."""
    warm_up = Requests(np.zeros(1), np.array([_WARM_UP_PROMPT]), np.array([_WARM_UP_OUTPUT]))
    warm = _WARM_UP_OUTPUT / rate
    answers = [_answers(t) for t in trials]
    none = sum(_length(t, 0 * a) for t, a in zip(trials, answers, strict=True))
    whole = sum(_length(t, a) for t, a in zip(trials, answers, strict=True))
    share = min(1.0, ((lasted - warm) / _REPETITIONS - none) / (whole - none))
    batches = [Requests(t.requests.arrival, t.requests.prompt, np.maximum(np.rint(a * share), 1).astype(int)) for t, a in zip(trials, answers, strict=True)]
    lengths = [_length(t, b.output) for t, b in zip(trials, batches, strict=True)]
    pause = max(0.0, (lasted - warm) / _REPETITIONS - sum(lengths)) / len(trials)
    timed = [(b, length + pause) for b, length in zip(batches, lengths, strict=True) for _ in range(_REPETITIONS)]
    return [(warm_up, warm), *timed]


def _open_test(trials: list[Trial], lasted: float) -> list[tuple[Requests, float]]:
    """The open-loop parts of a test, each as long as it was measured. What the test took beside them is the clients' start:
    the first samples show an idle GPU."""
    start = max(0.0, (lasted - sum(t.measured["duration"] for t in trials)) / len(trials))
    parts = []
    for t in trials:
        arrival = t.requests.arrival if t.stream.get("max_in_flight") is None else _as_admitted(t)
        parts.append((Requests(start + arrival, t.requests.prompt, t.requests.output), start + t.measured["duration"]))
    return parts


def day_of(closed: list[Trial], opened: list[Trial], lasted: Mapping[str, float]) -> Day:
    """All tests of one run in a row, without those whose requests nobody gives. `lasted` says how long each was recorded [s]."""
    first, alone = closed[0].requests, closed[0].measured["tg_req_tok_s"]
    length = _length(closed[0], first.output)
    warm = int(_WARM_UP / length) + 1
    parts = [Requests(np.arange(warm) * length, np.full(warm, first.prompt[0]), np.full(warm, first.output[0]))]
    at, begins = warm * length, {}
    for test, seconds in lasted.items():
        of_test = [t for t in [*closed, *opened] if t.test[:2] == test]
        if not of_test:
            continue
        at += _BETWEEN_TESTS
        begins[test] = at
        is_closed = of_test[0].suite == "spark closed loop"
        for sent, until_next in _closed_test(of_test, seconds, alone) if is_closed else _open_test(of_test, seconds):
            parts.append(Requests(at + sent.arrival, sent.prompt, sent.output))
            at += until_next
    whole = Requests(*(np.concatenate([getattr(p, key) for p in parts]) for key in ("arrival", "prompt", "output")))
    return Day(dataclasses.replace(closed[0], test="all", requests=whole, stream={}), begins)


def _as_admitted(trial: Trial) -> np.ndarray:
    """When a client that holds requests back sends them: here as its own simulation says."""
    results = trial.run_it()
    return np.sort(results.requests.admitted.to_numpy())


def samples(day: Day, results: Results, at: pd.DataFrame) -> pd.DataFrame:
    """`at` (test, elapsed_s; tests of the day) with the simulated telemetry of those instants: power_w, temp_c, sm_mhz."""
    series = results.series
    at = at[at.test.isin(list(day.begins))]
    instants = at.elapsed_s + at.test.map(day.begins)
    rows = np.searchsorted(series.time.values, instants.to_numpy()).clip(max=len(series.time) - 1)
    return at.assign(
        power_w=series.chip_power.values[rows, 0], temp_c=series.temperature.values[rows, 0], sm_mhz=series.clock.values[rows, 0] / 1e6
    )


def run_day(day: Day, at: pd.DataFrame) -> pd.DataFrame:
    """The day's telemetry at `at` (test, elapsed_s), each the mean of a second, as the driver's."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = day.trial.scenario(folder) | {"environment": {"ambient": f"{AMBIENT} degC"}, "record": {"every": "1 s"}}
        return samples(day, simulate.run(scenario, interval="off"), at)


def measured(path: pathlib.Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype={"test": str})


def lengths(frame: pd.DataFrame) -> dict[str, dict[str, float]]:
    """How long each test of each run was recorded [s]."""
    last = frame.groupby(["run", "test"]).elapsed_s.max().sort_index()
    return {run: {test: float(s) for (_, test), s in of.items()} for run, of in last.groupby(level=0)}


def step_response(after: Sequence[float]) -> list[float]:
    """Rise of the die of a Spark so long [s] after it went from answers to prompts, over the rise of its power [K/W]."""
    begin, model = 3600, {"model": "qwen3.5-9b", "quant": "bf16", "engine": "vllm", "prefix_cache": False, "runs_on": "box"}
    answer, prompts = Requests(np.zeros(1), np.array([16]), np.array([200_000])), 60
    late = Requests(np.full(prompts, float(begin)), np.full(prompts, 8192), np.full(prompts, 1))
    sent = Requests(*(np.concatenate([getattr(answer, key), getattr(late, key)]) for key in ("arrival", "prompt", "output")))
    trial = Trial("step", "spark", "all", {"sheet": "dgx-spark"}, model, sent, {})
    with tempfile.TemporaryDirectory() as folder:
        scenario = trial.scenario(folder) | {"duration": f"{begin + max(after)} s", "record": {"every": "1 s"}}
        del scenario["until"]
        series = simulate.run(scenario, interval="off").series
    power, temperature = series.chip_power.values[:, 0], series.temperature.values[:, 0]
    at = begin + np.array(after, int)
    step = power[begin + 1 : at.max()].mean() - power[begin - 60 : begin].mean()
    return [float(t) for t in (temperature[at - 1] - temperature[begin - 1]) / step]
