"""Published measurements as tests that the cost model can price."""

from __future__ import annotations

import csv
import dataclasses
import os
import re
from urllib.parse import urlparse


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One measured rate. `test` is what `_core.BenchProblems` takes; `rate` is in tokens/s, summed over the batch."""

    id: str
    test: dict
    rate: float
    clean: bool
    source: str
    url: str
    note: str

    @property
    def prefill(self) -> bool:
        return self.test["generate"] == 0


_OLD = "2025-09"  # builds of before count as old: calibration.Place


def source_of(url: str) -> str:
    """The site or repository that a measurement comes from."""
    parts = urlparse(url)
    path = [p for p in parts.path.split("/") if p]
    return "/".join([parts.netloc, *path[:2]]) if parts.netloc == "github.com" else parts.netloc


def served(row: dict) -> bool:
    """A server ran the batch: its protocol counts as much as its kernels, and `bench` does not model it."""
    return row["engine_id"] in ("vllm", "sglang") and row["batch_or_concurrency"] != "1"


def read(path: str | os.PathLike[str], *, clean: bool = True) -> list[Measurement]:
    """Measurements of prefill and decode on single boxes; with `clean`, only those fit for scoring.

    The others (second hand, incomplete configurations) still say something of their boxes.
    """
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return [_measurement(r) for r in rows if (r["clean"] == "1" or not clean) and _usable(r)]


def one(row: dict) -> Measurement | None:
    """The measurement of one row, if it is fit for use."""
    return _measurement(row) if row["clean"] == "1" and _usable(row) else None


def _usable(row: dict) -> bool:
    return not why_unused(row)


def why_unused(row: dict) -> str:
    """Why `bench` cannot be compared with a row; empty: it can."""
    batch = row["batch_or_concurrency"]
    reasons = {
        "not a rate of prefill or decode": row["metric"] not in ("pp_tok_s", "tg_tok_s"),
        "no batch size": not batch.isdigit() or batch == "0",
        "served, not batched: the server's protocol counts as much as its kernels": served(row),
        "speculative": row["speculative"] == "1",
        "several devices": (row["n_devices"] or "1") != "1",
        "marked as suspect": row["quality"] == "suspect",
        "power limit": bool(row["power_limit_w"]),
        "the source does not name system, model, quant or engine": not all(row[k] for k in ("system_id", "model_id", "quant_id", "engine_id")),
        "no length of the prompt": row["metric"] == "pp_tok_s" and row["prompt_len"] in ("", "0"),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _measurement(row: dict) -> Measurement:
    def count(key: str, otherwise: int = 0) -> int:
        return int(float(row[key])) if row[key] else otherwise

    batch, prompt, depth = count("batch_or_concurrency", 1), count("prompt_len"), count("context_depth")
    test = {
        "system": row["system_id"],
        "model": row["model_id"],
        "quant": row["quant_id"],
        "engine": row["engine_id"],
        "sequences": batch,
        "prompt": prompt,
        "generate": 0,
        "depth": depth,
    }
    if row["metric"] == "tg_tok_s":
        # llama-batched-bench's depth is its prompt; llama-bench has no prompt in a tg test.
        test |= {"prompt": 0, "generate": count("gen_len", 128) or 128, "depth": depth}
    if "kv fp8" in row["note"]:
        test["kv"] = "fp8"
    if "dgx-spark-benchmarks" in row["source_url"] and not row["model_id"].startswith("qwen"):
        test["batch"] = 8192  # its runs.csv: --max-num-batched-tokens; without it, as for Qwen, vLLM's default
    if "fa=0)" in row["note"] or "XiongjieDai" in row["source_url"]:
        test["flash_attention"] = False
    if row["date"] and row["date"][:7] < _OLD:
        test["old"] = True
    if match := re.search(r"ub(?:atch )?(\d{3,})", row["note"]):
        test["micro_batch"] = int(match[1])
    return Measurement(row["id"], test, float(row["value"]), row["clean"] == "1", source_of(row["source_url"]), row["source_url"], row["note"])
