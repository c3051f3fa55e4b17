"""Results as the JSON of `vllm bench serve --save-result`."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from . import asked, token_times
from .errors import Infeasible
from .results import Results


def result(results: Results, *, deployment: str = "", detailed: bool = False) -> tuple[dict[str, Any], list[str]]:
    """What the client would have saved of one deployment, and notes on what it does not have.

    Requests count as vLLM counts them: those that were answered whole; one token or none is left out of tpot.
    """
    asked_for = asked.scenario(results)
    name = _deployment(results, deployment)
    streams = [s for s in asked_for.get("workload", []) if isinstance(s, dict) and s.get("to") == name]
    requests = results.requests
    sent = requests[requests["stream"].isin([s.get("name") for s in streams])]
    done = sent[sent["outcome"] == "completed"]
    if not len(done):
        raise Infeasible(f"no request of {name} was answered")
    notes: list[str] = []
    times = _times(results, done, detailed, notes)
    if unfinished := int((sent["outcome"] == "unfinished").sum()):
        notes.append(f"{unfinished:,} of the {len(sent):,} requests were cut off by the end of the run; they count as neither completed nor failed")
    out = _head(results, asked_for, name, streams, sent)
    out |= _totals(results, name, sent, done, times)
    out |= _latencies(results, name, done, times)
    if detailed:
        out |= _detailed(sent, done, times)
    return out, notes


def _deployment(results: Results, asked_for: str) -> str:
    names = list(results.summary["deployments"])
    if not asked_for and len(names) > 1:
        raise ValueError(f"the run has several deployments; expected --deployment {' or --deployment '.join(names)}")
    if asked_for and asked_for not in names:
        raise ValueError(f'--deployment is "{asked_for}"; expected {" or ".join(names)}')
    return asked_for or names[0]


def _times(results: Results, done: pd.DataFrame, detailed: bool, notes: list[str]) -> list[np.ndarray] | None:
    """Times of all tokens; None, with a note, where they cannot be told and are not asked for."""
    try:
        return token_times.of_requests(results, done.index.to_numpy())
    except Infeasible as error:
        if detailed:
            raise
        notes.append(f"{error}; mean, median and 99 % of itl are the run's own histogram (0.1 % wide), std_itl_ms and max_output_tokens_per_s are null")
        return None


def _head(results: Results, asked_for: dict[str, Any], name: str, streams: list[dict[str, Any]], sent: pd.DataFrame) -> dict[str, Any]:
    deployment = asked_for["deployments"][name]
    model = deployment.get("model") or deployment["api"].get("sheet", name)  # a hosted one goes by its sheet
    rate, burstiness = _arrivals(streams, len(sent) / float(results.summary["deployments"][name]["duration_s"]))
    return {
        "date": _date(asked_for.get("start", "")),
        "endpoint_type": "tokwatt",
        "backend": "tokwatt",
        "label": results.title or None,
        "model_id": model,
        "tokenizer_id": model,
        "num_prompts": len(sent),
        "request_rate": rate,
        "burstiness": burstiness,
        "max_concurrency": _concurrency(streams),
    }


def _date(start: str) -> str | None:
    """When the scenario starts; the results hold no wall time."""
    match = re.match(r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?", start)
    return "{}{}{}-{}{}{}".format(*(part or "00" for part in match.groups())) if match else None


def _arrivals(streams: list[dict[str, Any]], mean_rate: float) -> tuple[float | str, float]:
    """Requests a second and the gamma shape: as written for arrivals at one rate; "inf" and 1 where clients send as soon as they may, as
    vLLM has it; else the mean over the run, and 1.
    """
    arrivals = streams[0].get("arrivals") if len(streams) == 1 else None
    rate = re.fullmatch(r"([0-9.eE+-]+)/(s|min|h)", arrivals.get("rate", "").strip()) if isinstance(arrivals, dict) else None
    if not rate or not isinstance(arrivals, dict):
        return ("inf" if all("users" in s and _is_nothing(s.get("think", "0")) for s in streams) else mean_rate), 1.0
    per_second = float(rate[1]) / {"s": 1, "min": 60, "h": 3600}[rate[2]]
    shape = 1 / float(arrivals.get("cv", "1")) ** 2 if arrivals.get("process") == "gamma" else 1.0
    return per_second, shape


def _is_nothing(think: object) -> bool:
    return isinstance(think, str) and re.fullmatch(r"0+(\.0*)?\s*[a-z]*", think.strip()) is not None


def _concurrency(streams: list[dict[str, Any]]) -> int | None:
    """How many requests the clients can have out at once; None without such a bound."""
    bounds = [s.get("users") or s.get("max_in_flight") or (s["sessions"].get("users") if isinstance(s.get("sessions"), dict) else None) for s in streams]
    return sum(map(int, bounds)) if bounds and all(isinstance(b, str) and b.isdigit() for b in bounds) else None


def _totals(results: Results, name: str, sent: pd.DataFrame, done: pd.DataFrame, times: list[np.ndarray] | None) -> dict[str, Any]:
    begin = float(sent["arrival"].min())
    duration = float(results.summary["deployments"][name]["duration_s"])  # until the last client has gone, answered or not
    prompt, output = int(done["prompt"].sum()), int(done["output"].sum())
    good = results.summary["deployments"][name]["goodput_per_s"]
    return {
        "duration": duration,
        "completed": len(done),
        "failed": int(sent["outcome"].isin(["rejected", "cancelled", "timed_out", "failed"]).sum()),
        "total_input_tokens": prompt,
        "total_output_tokens": output,
        "request_throughput": len(done) / duration,
        "request_goodput": good,
        "output_throughput": output / duration,
        "total_token_throughput": (prompt + output) / duration,
        "max_output_tokens_per_s": _best_second(times, begin) if times is not None else None,
        "max_concurrent_requests": _most_at_once(done),
    }


def _best_second(times: list[np.ndarray], begin: float) -> float:
    return float(np.bincount((np.concatenate(times) - begin).astype(int)).max())


def _most_at_once(done: pd.DataFrame) -> int:
    instants = np.concatenate([done["arrival"].to_numpy(), done["finish"].to_numpy()])
    steps = np.concatenate([np.ones(len(done), int), -np.ones(len(done), int)])
    return int(np.cumsum(steps[np.lexsort((steps, instants))]).max())


def _latencies(results: Results, name: str, done: pd.DataFrame, times: list[np.ndarray] | None) -> dict[str, Any]:
    first, whole = done["first_token"] - done["arrival"], done["finish"] - done["arrival"]
    several = done["output"] > 1
    tpot = ((whole - first) / (done["output"] - 1))[several]
    out = {**_statistics("ttft", first.to_numpy()), **_statistics("tpot", tpot.to_numpy())}
    if times is not None:
        out |= _statistics("itl", np.concatenate([np.diff(t) for t in times]))
    else:
        itl = results.summary["deployments"][name]["itl_s"]
        out |= {f"{of}_itl_ms": _ms(itl[key]) for of, key in (("mean", "mean"), ("median", "p50"), ("p99", "p99"))} | {"std_itl_ms": None}
    return out | _statistics("e2el", whole.to_numpy())


def _statistics(name: str, values: np.ndarray) -> dict[str, float | None]:
    if not len(values):
        return {f"{of}_{name}_ms": 0.0 for of in ("mean", "median", "std", "p99")}  # as vLLM does
    return {
        f"mean_{name}_ms": _ms(values.mean()),
        f"median_{name}_ms": _ms(np.median(values)),
        f"std_{name}_ms": _ms(values.std()),
        f"p99_{name}_ms": _ms(np.percentile(values, 99)),
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else float(seconds) * 1e3


def _detailed(sent: pd.DataFrame, done: pd.DataFrame, times: list[np.ndarray] | None) -> dict[str, Any]:
    """Each request that was sent, in order; those without a whole answer have no latencies and say why."""
    by_request = dict(zip(done.index, times or [], strict=True))
    gaps = [np.diff(by_request[r]).tolist() if r in by_request else [] for r in sent.index]
    completed = sent["outcome"] == "completed"
    first = (sent["first_token"] - sent["arrival"]).where(completed, 0.0)
    return {
        "input_lens": sent["prompt"].tolist(),
        "output_lens": sent["output"].where(completed, 0).tolist(),
        "ttfts": first.tolist(),
        "itls": gaps,
        "start_times": sent["arrival"].tolist(),
        "generated_texts": [""] * len(sent),
        "errors": ["" if c else str(o) for c, o in zip(completed, sent["outcome"], strict=True)],
    }
