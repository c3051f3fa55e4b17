"""Joules per token, watts at the wall and tokens per second under a power limit, against what was published."""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
from typing import Any

import pandas as pd

from . import simulate
from .load_suites import PROMPTS


def _one_deployment(system: dict[str, Any], deployment: dict[str, Any], users: int, prompt: Any, output: Any, duration: str) -> dict[str, Any]:
    """Summary of people who ask again at once."""
    stream = {"name": "people", "to": "model", "users": users, "think": "0.001 s", "prompt": prompt, "output": output}
    scenario = {"duration": duration, "systems": {"box": system}, "deployments": {"model": {**deployment, "runs_on": "box"}}, "workload": [stream]}
    return simulate.run(scenario, interval="off").summary


def joules_per_token(path: pathlib.Path) -> pd.DataFrame:
    """Rows of ML.ENERGY (vLLM on H100 and H200, GPU energy per output token in steady state), with `simulated`."""
    rows = pd.read_csv(path)

    def simulated(row: Any) -> float:
        several = row.n_devices > 1
        system = {"sheet": row.system_id} | ({"count": int(row.n_devices), "link": "nvlink4"} if several else {})
        deployment = {"model": row.model_id, "quant": row.quant_id, "engine": "vllm", "limits": {"max_num_seqs": int(row.max_num_seqs)}}
        if several:
            deployment["tensor_parallel"] = int(row.n_devices)
        summary = _one_deployment(system, deployment, max(1, round(row.batch)), PROMPTS[row.task], {"exponential": int(row.output)}, "400 s")
        return float(summary["energy_j"]["chip"]) / summary["tokens"]["output"]

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return rows.assign(simulated=list(pool.map(simulated, rows.itertuples())))


def wall_peaks(path: pathlib.Path) -> pd.DataFrame:
    """Highest wall power while an engine works on long prompts and long answers in turn, with `simulated` [W]."""
    rows = pd.read_csv(path)

    def peak(row: Any) -> float:
        deployment = {"model": row.model_id, "quant": row.quant_id, "engine": row.engine_id}
        summaries = [_one_deployment({"sheet": row.system_id}, deployment, 1, *lengths, "300 s") for lengths in ((512, 1), (1, 512))]
        return max(s["power_w"]["wall"]["max"] for s in summaries)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return rows.assign(simulated=list(pool.map(peak, rows.itertuples())))


def under_a_limit(system: str, engine: str, model: str, quant: str, limits_w: list[int]) -> dict[int, float]:
    """Decode rate of one person by power limit [tokens/s]."""
    deployment = {"model": model, "quant": quant, "engine": engine}
    return {
        limit: _one_deployment({"sheet": system, "power": {"limit": f"{limit} W"}}, deployment, 1, 16, 1024, "300 s")["throughput_tok_s"]["output"]
        for limit in limits_w
    }
