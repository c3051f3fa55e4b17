"""When each token of each request came, rebuilt from the requests and segments of a run."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .errors import Infeasible
from .results import Results

_PICO = 1e-12


def step_ends(segments: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The end of each step in which sequences decode [ps], and how many decode, in order of time."""
    decoding = segments[segments["decoding"] > 0].sort_values("start", kind="stable")
    steps = decoding["steps"].to_numpy()
    first = np.repeat(np.cumsum(steps) - steps, steps)
    j = np.arange(steps.sum()) - first + 1
    start, duration, growth, count = (np.repeat(decoding[key].to_numpy(), steps) for key in ("start", "duration", "growth", "decoding"))
    return start + j * duration + growth * (j * (j - 1) // 2), count


def of_requests(results: Results, chosen: np.ndarray) -> list[np.ndarray]:
    """Times of the tokens of requests [s], each from its first token to its last.

    A request decodes in every step from its first token on. Where clients are told a step late, its tokens are taken to be late
    as its first one is; the last one comes with the finish. One that was preempted waits in between for an unknown time.

    Raises
    ------
    Infeasible
        One of them was preempted, or its deployment speculates: several tokens come out of a step.
    """
    requests, segments = results.requests.loc[chosen], results.segments
    if "progress" in segments:
        raise Infeasible("the times of tokens cannot be told: a deployment of this run speculates")
    if (requests["replica"] < 0).any():
        raise Infeasible("the times of tokens cannot be told: the model is hosted elsewhere, and how it steps is not simulated")
    preempted = int((requests["preemptions"] > 0).sum())
    if preempted:
        raise Infeasible(f"the times of tokens cannot be told: {preempted:,} of these requests were preempted")
    ends = {replica: step_ends(part)[0] for replica, part in segments.groupby("replica")}
    out = []
    for replica, first, last, count in requests[["replica", "first_token", "finish", "output"]].itertuples(index=False):
        times = ends.get(replica, np.array([], np.int64))
        begin = np.searchsorted(times, round(first / _PICO) + _ROUNDING)
        between = times[begin : begin + max(count - 2, 0)]
        if len(between) < count - 2 or (len(between) and between[-1] > round(last / _PICO) + _ROUNDING):
            raise ValueError("holds requests whose tokens its segments do not have")
        out.append(np.concatenate([[first], between * _PICO, [last] * (count > 1)]))
    return out


# Times of requests are doubles in seconds: at 10^5 s they are off by up to some ten picoseconds. No step is so short.
_ROUNDING = 1000
