"""Results as llama-bench and others write them, of rates that a test chooses."""

import json

import numpy as np
from tokwatt import _core

LLAMA = {"model": "llama-3.1-8b", "quant": "q4_k_m"}
LLAMA_FILE = {
    "build_commit": "3f3a4fb9c",
    "build_number": 7941,
    "cpu_info": "AMD Ryzen 9 7950X 16-Core Processor",
    "gpu_info": "NVIDIA GB10",
    "backends": "CUDA",
    "model_filename": "/models/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf",
    "model_type": "llama 8B Q4_K - Medium",
    "model_size": 4912898304,
    "model_n_params": 8030261312,
    "n_batch": 2048,
    "n_ubatch": 512,
    "type_k": "f16",
    "type_v": "f16",
    "n_gpu_layers": 99,
    "n_cpu_moe": 0,
    "tensor_split": "0.00",
    "flash_attn": 1,
}
MOE = {"model": "gpt-oss-120b", "quant": "mxfp4"}
MOE_FILE = LLAMA_FILE | {
    "model_filename": "/models/gpt-oss-120b-mxfp4-00001-of-00003.gguf",
    "model_type": "gpt-oss 120B MXFP4 MoE",
    "model_size": 63387346464,
    "model_n_params": 116829156672,
}
# An afternoon: prompts of several lengths, answers, and both behind contexts.
TESTS = [{"prompt": p, "generate": 0, "depth": d} for d in (0, 4096, 16384) for p in (64, 256, 512, 2048)] + [
    {"prompt": 0, "generate": n, "depth": d} for d in (0, 2048, 4096, 8192, 16384) for n in (32, 128)
]


def rows_of(names, system="dgx-spark", engine="llama.cpp-cuda", tests=TESTS):
    """Tests as the cost model takes them."""
    return [
        {"system": system, "engine": engine, "flash_attention": True, "batch": 2048, "micro_batch": 512, **names, **t}
        for t in tests
    ]


def rates(rows, shift=None):
    """The model's rates, with parameters shifted on the scales of their links: {parameter: shift}."""
    problems = _core.BenchProblems(rows)
    linked = np.array([a["tuning"] for a in problems.about])
    keys = [key for key, _ in _core.tuning_parameters()]
    for parameter, by in (shift or {}).items():
        linked[:, keys.index(parameter)] += by
    return problems.rates(linked)


def objects(fields, rows, measured):
    """Objects of llama-bench's JSON."""
    out = []
    for row, rate in zip(rows, measured, strict=True):
        test = {
            "n_prompt": row["prompt"],
            "n_gen": row["generate"],
            "n_depth": row["depth"],
            "test_time": "2026-11-21T10:00:00Z",
        }
        out.append(
            {
                **fields,
                **test,
                "avg_ns": 1,
                "stddev_ns": 0,
                "avg_ts": float(rate),
                "stddev_ts": 0.1,
                "samples_ts": [float(rate)],
            }
        )
    return out


def write(path, *parts):
    """Writes jsonl; each part is (fields, rows, rates)."""
    path.write_text("".join(json.dumps(o) + "\n" for part in parts for o in objects(*part)))
    return str(path)
