"""Results as a trace for ui.perfetto.dev (Chrome's JSON)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .results import Results

_MOST_POINTS = 5_000  # of each counter
# Variable of /series, the counter's name with its unit, factor into it.
_COUNTERS = [  # those of which a point is the mean of the time up to it stand where that begins
    ("throughput", "output [tokens/s]", 1.0),
    ("queue", "waiting [requests]", 1.0),
    ("kv_used", "KV cache [%]", 100.0),
    ("temperature", "die [degC]", 1.0),
    ("clock", "clock [MHz]", 1e-6),
    ("power", "wall power [W]", 1.0),
]
_MEANS = {"throughput", "power"}
_RUN, _ENGINES, _REQUESTS = 1, 2, 3  # processes


def trace(results: Results, *, limit: int) -> tuple[dict[str, Any], list[str]]:
    """The trace, and notes on what was left out: at most `limit` requests, and the segments up to the end of the last of them."""
    events: list[dict[str, Any]] = [_process(_RUN, "run"), _process(_ENGINES, "engine steps"), _process(_REQUESTS, "requests")]
    notes: list[str] = []
    requests = results.requests
    shown = requests.sort_values("arrival", kind="stable").head(limit)
    until = float("inf")
    if len(shown) < len(requests):
        until = float(requests["arrival"].drop(shown.index).min())
        notes.append(f"the first {limit:,} of {len(requests):,} requests, and what happened before {until:,.1f} s, when the next one came; --limit takes more")
    events += _requests(shown, results.summary["workload"])
    events += _segments(results, until)
    events += _counters(results, until, notes)
    events += _instants(results, until)
    return {"displayTimeUnit": "ms", "traceEvents": events, "otherData": {"title": results.title, "seed": str(results.seed), "left out": "; ".join(notes) or "nothing"}}, notes


def _process(pid: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": "process_name", "pid": pid, "args": {"name": name}}


def _us(seconds: float) -> float:
    return round(seconds * 1e6, 3)


def _requests(shown: Any, streams: dict[str, Any]) -> list[dict[str, Any]]:
    """Each request as a span, with its wait and its decoding inside."""
    names = {stream: tid for tid, stream in enumerate(streams, 1)}
    out = [{"ph": "M", "name": "thread_name", "pid": _REQUESTS, "tid": tid, "args": {"name": stream}} for stream, tid in names.items()]
    for r in shown.itertuples():
        end = r.finish if np.isfinite(r.finish) else np.nan
        common = {"cat": "request", "id": int(r.Index), "pid": _REQUESTS, "tid": names[r.stream]}
        title = f"{r.prompt} in, {r.output} out"
        about = {"outcome": str(r.outcome), "cached": int(r.cached), "preemptions": int(r.preemptions)}
        admitted, first = (at if np.isfinite(at) else end for at in (r.admitted, r.first_token))  # who left before then left in that phase
        parts = [(title, r.arrival, end, about), ("queue", r.arrival, admitted, {}), ("prefill", r.admitted, first, {}), ("decode", r.first_token, end, {})]
        for name, begin, until, arguments in parts:
            if np.isfinite(begin):
                out.append({"ph": "b", "name": name, "ts": _us(begin), **common, **({"args": arguments} if arguments else {})})
                if np.isfinite(until):  # what the end of the run cut off stays open
                    out.append({"ph": "e", "name": name, "ts": _us(until), **common})
    return out


def _segments(results: Results, until: float) -> list[dict[str, Any]]:
    """Runs of equal steps as slices, a track for each replica."""
    segments = results.segments
    segments = segments[segments["start"] < until * 1e12]
    out = [{"ph": "M", "name": "thread_name", "pid": _ENGINES, "tid": int(r) + 1, "args": {"name": f"replica {r}"}} for r in sorted(segments["replica"].unique())]
    for s in segments.itertuples(index=False):
        length = s.steps * s.duration + s.growth * (s.steps * (s.steps - 1) // 2)
        begin, end = int(s.start) // 1000, int(s.start + length) // 1000  # whole nanoseconds: slices on one track must not overlap
        work = [f"prefill {s.chunk_tokens}"] * (s.chunk_tokens > 0) + [f"decode {s.decoding}"] * (s.decoding > 0)
        arguments = {"steps": int(s.steps), "clock [MHz]": round(s.clock / 1e6, 1), "first step [ms]": round(s.duration * 1e-9, 6)}
        out.append({"ph": "X", "name": " + ".join(work), "cat": "step", "ts": begin / 1e3, "dur": (end - begin) / 1e3, "pid": _ENGINES, "tid": int(s.replica) + 1, "args": arguments})
    return out


def _counters(results: Results, until: float, notes: list[str]) -> list[dict[str, Any]]:
    series = results.series
    time = np.asarray(series["time"])
    time = time[time < until]
    every = max(1, -(-len(time) // _MOST_POINTS))
    if every > 1:
        notes.append(f"one point in {every} of the counters")
    begins = np.concatenate([[0.0], time])[:-1]
    out = []
    for variable, name, factor in _COUNTERS:
        values = series[variable]
        across = [str(n) for n in values[values.dims[1]].values]
        for index, of in enumerate(across):
            column = np.asarray(values)[: len(time) : every, index] * factor
            at = begins if variable in _MEANS else time
            track = f"{of}: {name}" if len(across) > 1 else name
            out += [{"ph": "C", "name": track, "ts": _us(t), "pid": _RUN, "args": {"value": round(float(v), 4)}} for t, v in zip(at[::every], column, strict=True) if np.isfinite(v)]
    return out


def _instants(results: Results, until: float) -> list[dict[str, Any]]:
    return [
        {"ph": "i", "s": "g", "name": f"{e.kind} {e.subject}".strip(), "ts": _us(e.time), "pid": _RUN, "tid": 0, "args": {"text": e.text}}
        for e in results.events.itertuples(index=False)
        if e.time < until
    ]
