"""Served runs that were measured, as scenarios: who sent what and when, and what came out.

Three suites lie in docs/validation/load: hours of one DGX Spark (closed and open loop), rate stages on H100s, and two runs
request by request. A `Trial` is one test of one of them.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import os
import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from . import simulate
from .results import Results

SEED = 42  # of `vllm bench serve` in the Spark suite
_RANGE_RATIO = 0.9
_LONG_PROMPT = 2000  # tokens asked for
_TOGETHER = 1e-3  # s between requests that a client starts together: the first has a step of its own


@dataclasses.dataclass
class Requests:
    """What a client sends: instants [s] from the first one on, prompt and output tokens."""

    arrival: np.ndarray
    prompt: np.ndarray
    output: np.ndarray

    def write(self, path: str | os.PathLike[str]) -> None:
        with open(path, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["arrival_s", "prompt_tokens", "output_tokens"])
            for a, p, o in zip(self.arrival, self.prompt, self.output, strict=True):
                writer.writerow([f"{a:.9f}", int(p), int(o)])


@dataclasses.dataclass
class Trial:
    """One test: what was sent, to what, and what was measured (times in s, rates in tokens/s)."""

    suite: str
    run: str
    test: str
    system: dict[str, Any]
    deployment: dict[str, Any]
    requests: Requests
    measured: dict[str, float]
    stream: dict[str, Any] = dataclasses.field(default_factory=dict)

    def scenario(self, folder: str | os.PathLike[str]) -> dict[str, Any]:
        """The scenario; its trace is written into `folder`."""
        trace = pathlib.Path(folder) / "requests.csv"
        self.requests.write(trace)
        return {
            "title": f"{self.suite} {self.run} {self.test}",
            "until": "drained",
            "systems": {"box": self.system},
            "deployments": {"model": {**self.deployment, "runs_on": "box"}},
            "workload": [{"name": "client", "to": "model", "trace": str(trace), "format": "csv", **self.stream}],
            "record": {"every": "10 s"},
        }

    def run_it(self, set: Mapping[str, Any] | None = None, interval: str | int = "off") -> Results:
        with tempfile.TemporaryDirectory() as folder:
            return simulate.run(self.scenario(folder), set=set, interval=interval)

    def simulated(self) -> dict[str, float]:
        """What its client would have measured, by the names of `measured`."""
        return figures(self.run_it())


def random_lengths(n: int, prompt: int, output: int, seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """Lengths as `vllm bench serve --dataset-name random --random-range-ratio 0.9` draws them: the totals of the outputs
    are those that the suite recorded, to the token."""
    draw = np.random.default_rng(seed)

    def between(length: int) -> np.ndarray:
        return draw.integers(math.floor(length * (1 - _RANGE_RATIO)), math.ceil(length * (1 + _RANGE_RATIO)) + 1, size=n)

    prompts = between(prompt)
    return prompts, np.maximum(between(output), 1)


def gamma_arrivals(n: int, rate: float, burstiness: float, seed: int = SEED) -> np.ndarray:
    """Instants as `vllm bench serve` draws them: gamma gaps, then stretched so that the last one leaves at n / rate."""
    gaps = np.random.RandomState(seed).gamma(burstiness, 1 / (rate * burstiness), size=n)
    at = np.cumsum(gaps)
    return at * (n / rate / at[-1])


def conversation_lengths(n: int, mean: float, median_of_mean: float, most: int, seed: int) -> np.ndarray:
    """Lengths of talk: lognormal, given by their mean and what part of it the median is; scaled so that the sum is
    n * mean after the cut at `most`."""
    sigma = math.sqrt(-2 * math.log(median_of_mean))
    shape = np.exp(sigma * np.random.default_rng(seed).standard_normal(n))
    low, high = 0.0, float(most)
    for _ in range(60):
        scale = (low + high) / 2
        low, high = (scale, high) if np.clip(shape * scale, 4, most).mean() < mean else (low, scale)
    return np.rint(np.clip(shape * scale, 4, most)).astype(int)


def scaled(lengths: np.ndarray, total: float) -> np.ndarray:
    """Lengths with another sum."""
    return np.maximum(np.rint(lengths * (total / lengths.sum())).astype(int), 1)


# --- one DGX Spark for hours ---------------------------------------------------------------------------------------

# What the checkpoint is, where it is not what the table calls it: Ministral 3's instruct checkpoints are published in FP8.
_CHECKPOINT_QUANT = {"mistralai/Ministral-3-8B-Instruct-2512": "fp8"}
_DEFAULT_BATCHED_TOKENS = 2048  # vLLM's with 256 sequences


def spark_deployment(row: Mapping[str, Any]) -> dict[str, Any]:
    """A run's server. `row` is one of runs.csv."""
    words = str(row["extra_args"]).split()
    batched = int(words[words.index("--max-num-batched-tokens") + 1]) if "--max-num-batched-tokens" in words else _DEFAULT_BATCHED_TOKENS
    return {
        "model": row["model_id"],
        "quant": _CHECKPOINT_QUANT.get(row["hf_model"], row["quant_id"]),
        "kv": row["kv_cache_dtype"],
        "engine": "vllm",
        "prefix_cache": False,
        "limits": {
            "max_num_seqs": 256,
            "max_num_batched_tokens": batched,
            "max_model_len": int(row["max_model_len"]),
            "memory_utilization": float(row["gpu_memory_utilization"]),
        },
    }


_OPEN_LENGTHS = {"07": (4000, 500), "09": (1024, 4096), "10": (4000, 500), "11": (4000, 500)}


def _open_requests(row: Mapping[str, Any]) -> Requests:
    n = int(row["num_prompts"])
    kind = row["test"][:2]
    total_in, total_out = float(row["total_input_tokens"]), float(row["total_output_tokens"])
    if kind == "08":  # ShareGPT: only the sums are known
        prompt = conversation_lengths(n, total_in / n, 0.45, 1024, SEED)
        output = conversation_lengths(n, total_out / n, 0.5, 1536, SEED + 1)
    else:
        prompt, output = random_lengths(n, *_OPEN_LENGTHS[kind])
        prompt, output = prompt + round((total_in - prompt.sum()) / n), scaled(output, total_out)
    return Requests(gamma_arrivals(n, float(row["request_rate"]), float(row["burstiness"])), prompt, output)


def spark_open(folder: pathlib.Path) -> list[Trial]:
    """The open-loop tests of the Spark suite."""
    runs = pd.read_csv(folder / "runs.csv", keep_default_na=False).set_index("run")
    trials = []
    for row in pd.read_csv(folder / "open_loop.csv").to_dict("records"):
        held = {} if math.isnan(row["max_concurrency"]) else {"max_in_flight": int(row["max_concurrency"])}
        measured = {"output_tok_s": row["output_throughput"], "request_rate": row["request_throughput"], "duration": row["duration"]}
        for ours, theirs in (("ttft", "ttft"), ("tpot", "tpot"), ("itl", "itl"), ("e2e", "e2el")):
            measured |= {f"{ours}_{q}": row[f"{q}_{theirs}_ms"] / 1e3 for q in ("mean", "median", "p90", "p99")}
        measured["rate"] = row["request_rate"]
        trials.append(
            Trial("spark open loop", row["run"], row["test"], {"sheet": "dgx-spark"}, spark_deployment(runs.loc[row["run"]].to_dict()),
                  _open_requests(row), measured, held)
        )  # fmt: skip
    return trials


def stopped_early(ratio: float, count: int, most: int) -> np.ndarray:
    """Outputs of `count` requests of which the longest has `most` tokens and the mean is `ratio` of that."""
    if count == 1 or ratio >= 1:
        return np.full(count, most)
    place = np.arange(1, count + 1) / count
    low, high = 0.0, 50.0  # exponents: all equal, all but the last next to nothing
    for _ in range(60):
        exponent = (low + high) / 2
        low, high = (exponent, high) if (place**exponent).mean() > ratio else (low, exponent)
    return np.maximum(np.rint(most * place**exponent), 1).astype(int)


def prompt_share(table: pd.DataFrame) -> float:
    """Tokens of a closed-loop prompt over those asked for. The client cuts its prompts with a tokenizer of its own; its rates are
    the server's tokens over the time to the first response less a latency of its run: so rate x time = share x asked + latency
    x rate over a run's lone prompts. The median of all runs (0.90; 0.87 to 0.91 in 14 of 15)."""
    lone = table[(table.phase == "pp") & (table.concurrency == 1)]
    lone = lone.assign(asked=lone.tokens + lone.depth)
    lone = lone[lone.asked >= _LONG_PROMPT]
    shares = []
    for _, run in lone.groupby("run"):
        terms = run[["asked", "tok_s_total"]].div(run.asked, axis=0)
        share, _ = np.linalg.lstsq(terms, run.tok_s_total * run.ttfr_ms / 1e3 / run.asked, rcond=None)[0]
        shares.append(share)
    return float(np.median(shares))


class LoneTrial(Trial):
    """A request by itself. Its client's rate of prompts is over the time to the first token less a latency: what a request
    of next to no tokens took at the beginning, a forward pass in it."""

    def simulated(self) -> dict[str, float]:
        out = super().simulated()
        latency = dataclasses.replace(self, requests=_HELLO).run_it().requests.first_token.iloc[0]
        return out | {"pp_tok_s": self.requests.prompt[0] / (out["ttft_mean"] - latency)}


_HELLO = Requests(np.zeros(1), np.array([12]), np.array([1]))  # "hello", one token asked for; a chat template of about eleven is assumed


def spark_closed(folder: pathlib.Path) -> list[Trial]:
    """The closed-loop tests: `concurrency` requests started together."""
    runs = pd.read_csv(folder / "runs.csv", keep_default_na=False).set_index("run")
    table = pd.read_csv(folder / "closed_loop.csv")
    share = prompt_share(table)
    trials = []
    for k in range(0, len(table), 2):  # a pp row, then its tg row
        pp, tg = table.iloc[k], table.iloc[k + 1]
        assert (pp.phase, tg.phase) == ("pp", "tg") and (pp.run, pp.test, pp.concurrency) == (tg.run, tg.test, tg.concurrency)
        count, asked, output = int(pp.concurrency), int(pp.tokens + pp.depth), int(tg.tokens)
        prompt = round(share * asked)
        together = np.arange(count) * _TOGETHER
        measured = {"pp_tok_s": pp.tok_s_total, "tg_tok_s": tg.tok_s_total, "tg_req_tok_s": tg.tok_s_per_request, "ttft_mean": pp.e2e_ttft_ms / 1e3}
        kind = LoneTrial if count == 1 else Trial
        trials.append(
            kind("spark closed loop", pp.run, f"{pp.test} {asked}+{output} c{count}", {"sheet": "dgx-spark"},
                  spark_deployment(runs.loc[pp.run].to_dict()),
                  Requests(together, np.full(count, prompt), np.full(count, output)), measured)
        )  # fmt: skip
    return trials


# --- rate stages on H100s ------------------------------------------------------------------------------------------

_SERVING_MODELS = {
    "RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic": "llama-4-scout",
    "meta-llama/Llama-2-7b-hf": "llama-2-7b",
    "meta-llama/Llama-3.1-70B-Instruct": "llama-3.1-70b",
    "Qwen/Qwen2.5-7B-Instruct": "qwen2.5-7b",
}


def serving_stages(path: pathlib.Path) -> list[Trial]:
    """The experiments of serving.csv: Poisson arrivals at one rate after another, a system prompt in front of each question."""
    trials = []
    for row in pd.read_csv(path).to_dict("records"):
        if row["stage"] != "all":
            continue
        rates = [float(r) for r in str(row["stage_rates_per_s"]).split(";")]
        lengths = [float(d) for d in str(row["stage_duration_s"]).split(";")]
        stages = [{"rate": f"{r}/s", "for": f"{d} s"} for r, d in zip(rates, lengths, strict=True)]
        stream = {
            "arrivals": {"process": "poisson", "stages": stages},
            "prompt": int(row["question_len"]),
            "output": int(row["output_len"]),
            "prefix": {"tokens": int(row["system_prompt_len"]), "groups": int(row["n_system_prompts"])},
        }
        deployment = {
            "model": _SERVING_MODELS[row["model"]],
            "quant": row["precision"],
            "engine": "vllm",
            "tensor_parallel": int(row["tp"]),
            "limits": {
                "max_num_seqs": int(row["max_num_seqs"]),
                "max_num_batched_tokens": int(row["max_num_batched_tokens"]),
                "kv_blocks": int(row["kv_blocks_16"]),
                "block_size": 16,
                "reserve_full_isl": False,  # vLLM 0.15.1: since 0.19
            },
        }
        system = {"sheet": "h100-sxm-80", "count": int(row["n_devices"])} | ({"link": "nvlink4"} if row["n_devices"] > 1 else {})
        measured = {
            "ttft_mean": row["ttft_ms_mean"] / 1e3, "ttft_p99": row["ttft_ms_p99"] / 1e3, "itl_mean": row["itl_ms_mean"] / 1e3,
            "e2e_mean": row["e2e_ms_mean"] / 1e3, "e2e_p90": row["e2e_ms_p90"] / 1e3, "e2e_p99": row["e2e_ms_p99"] / 1e3,
        }  # fmt: skip
        trials.append(StagedTrial("H100 stages", row["id"].split("/")[0], row["workload"], system, deployment, _NONE, measured, stream))
    return trials


_NONE = Requests(np.array([]), np.array([]), np.array([]))


class StagedTrial(Trial):
    """A trial whose requests are drawn from a process, not given."""

    def scenario(self, folder: str | os.PathLike[str]) -> dict[str, Any]:
        return {
            "title": f"{self.suite} {self.run} {self.test}",
            "seed": 1,
            "until": "drained",
            "systems": {"box": self.system},
            "deployments": {"model": {**self.deployment, "runs_on": "box"}},
            "workload": [{"name": "client", "to": "model", **self.stream}],
            "record": {"every": "10 s"},
        }


# --- runs request by request ---------------------------------------------------------------------------------------

_RECORDED = {"rtx4090_llama-3.1-8b": ("rtx-4090", 256, {"kv_blocks": 2588, "block_size": 16}), "rtxpro6000_llama-3.1-8b": ("rtx-pro-6000", 128, {})}


def recorded_runs(folder: pathlib.Path) -> list[Trial]:
    """Runs of which every request is known, Llama 3.1 8B in bf16 on one card."""
    trials = []
    for name, (sheet, max_num_seqs, more) in _RECORDED.items():
        with open(folder / f"{name}.requests.jsonl") as file:
            rows = pd.DataFrame([json.loads(line) for line in file]).sort_values("queued_ts")
        queued = rows.queued_ts.to_numpy()
        output = rows.output_toks.to_numpy()
        first, last = rows.first_token_ts.to_numpy(), rows.last_token_ts.to_numpy()
        several = output > 1
        measured = {
            "ttft_mean": (first - queued).mean(), "tpot_mean": ((last - first)[several] / (output[several] - 1)).mean(),
            "e2e_mean": (last - queued).mean(), "output_tok_s": output.sum() / (last.max() - queued.min()),
        }  # fmt: skip
        deployment = {
            "model": "llama-3.1-8b", "quant": "bf16", "engine": "vllm",
            "limits": {"max_num_seqs": max_num_seqs, "max_num_batched_tokens": 2048, **more},
        }  # fmt: skip
        sent = Requests(queued - queued.min(), rows.input_toks.to_numpy(), output)
        trials.append(Trial("recorded", name, "all", {"sheet": sheet}, deployment, sent, measured))
    return trials


# --- as many at once as a server takes -----------------------------------------------------------------------------

PROMPTS = {"lm-arena-chat": 150, "gpqa": 250, "sourcegraph-fim": 450}  # mean tokens by task: not published, of little weight
_WAVES = 3  # of answers of equal length


def steady_states(path: pathlib.Path) -> list[Trial]:
    """Rows of ML.ENERGY: vLLM on H100s, always with a full batch of 8 to 1,000 sequences. A `run` is a model."""
    trials = []
    for row in pd.read_csv(path).to_dict("records"):
        several = row["n_devices"] > 1
        batch = max(1, round(row["batch"]))
        n = _WAVES * batch
        deployment = {"model": row["model_id"], "quant": row["quant_id"], "engine": "vllm", "limits": {"max_num_seqs": int(row["max_num_seqs"])}}
        if several:
            deployment["tensor_parallel"] = int(row["n_devices"])
        system = {"sheet": row["system_id"]} | ({"count": int(row["n_devices"]), "link": "nvlink4"} if several else {})
        sent = Requests(np.zeros(n), np.full(n, PROMPTS[row["task"]]), np.full(n, int(row["output"])))
        test = f"{row['task']}, {row['n_devices']} device(s), batch {batch}"
        trials.append(Trial("steady state", row["model_id"], test, system, deployment, sent, {"output_tok_s": row["output_tok_s"]}, {"max_in_flight": batch}))
    return trials


# --- what a simulation says of the same ----------------------------------------------------------------------------


def figures(results: Results) -> dict[str, float]:
    """What a client measures, by the names of `Trial.measured`."""
    r = results.requests
    r = r[r.outcome == "completed"]
    sent, first, last = r.arrival.to_numpy(), r.first_token.to_numpy(), r.finish.to_numpy()
    prompt, output = r.prompt.to_numpy(), r.output.to_numpy()
    several = output > 1
    gaps = (last - first)[several] / (output[several] - 1)
    span = last.max() - sent.min()
    out = {"output_tok_s": output.sum() / span, "request_rate": len(r) / span, "duration": span}
    for name, values in (("ttft", first - sent), ("tpot", gaps), ("e2e", last - sent)):
        out |= {f"{name}_mean": values.mean(), f"{name}_median": np.median(values)}
        out |= {f"{name}_p90": np.quantile(values, 0.9), f"{name}_p99": np.quantile(values, 0.99)}
    itl = results.summary["itl_s"]
    out |= {"itl_mean": itl["mean"], "itl_median": itl["p50"], "itl_p90": itl["p90"], "itl_p99": itl["p99"]}
    # as llama-benchy has it: prompts until the last first token, answers from the first token to the end
    out |= {
        "pp_tok_s": prompt.sum() / (first.max() - sent.min()),
        "tg_tok_s": (output.sum() - len(r)) / (last.max() - first.min()),
        "tg_req_tok_s": float((1 / gaps).mean()) if several.any() else math.nan,
    }
    return out


def of_runs(trials: Sequence[Trial]) -> dict[str, list[Trial]]:
    out: dict[str, list[Trial]] = {}
    for t in trials:
        out.setdefault(t.run, []).append(t)
    return out
