"""Result files of benchmark tools as their users have them, and what reading them says."""

import csv
import io

import llama_bench as lb
from tokwatt import bench_files, bench_rows

OBJECT = lb.LLAMA_FILE | {
    "n_prompt": 512,
    "n_gen": 0,
    "n_depth": 0,
    "avg_ns": 250,
    "stddev_ns": 1,
    "avg_ts": 2048.5,
    "stddev_ts": 3.1,
}
BATCHED = (
    '{"n_kv_max": 16384, "n_batch": 2048, "n_ubatch": 512, "flash_attn": 1, "is_pp_shared": 0, "n_gpu_layers": 99, "n_threads": 16, '
    '"n_threads_batch": 16, "pp": 512, "tg": 128, "pl": 4, "n_kv": 2560, "t_pp": 0.98, "speed_pp": 2089.8, "t_tg": 4.6, "speed_tg": 111.3, '
    '"t": 5.58, "speed": 458.8}\n'
)
MARKDOWN = """Here is what my box does:

| model                          |       size |     params | backend    | ngl | n_ubatch | fa |            test |                  t/s |
| ------------------------------ | ---------: | ---------: | ---------- | --: | -------: | -: | --------------: | -------------------: |
| gpt-oss 120B MXFP4 MoE         |  59.02 GiB |   116.83 B | CUDA       |  99 |     2048 |  1 |          pp2048 |      1723.07 \u00b1 14.93 |
| gpt-oss 120B MXFP4 MoE         |  59.02 GiB |   116.83 B | CUDA       |  99 |     2048 |  1 |    tg32 @ d4096 |         37.25 \u00b1 0.17 |
| gpt-oss 120B MXFP4 MoE         |  59.02 GiB |   116.83 B | CUDA       |  99 |     2048 |  1 |     pp512+tg128 |        130.12 \u00b1 0.17 |

build: eeee367de (5989)
"""
BATCHED_MARKDOWN = """main: n_kv_max = 16384, n_batch = 2048, n_ubatch = 2048, flash_attn = 1, is_pp_shared = 1, n_gpu_layers = 99

|    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |      T s |    S t/s |
|-------|--------|------|--------|----------|----------|----------|----------|----------|----------|
|   512 |     32 |    8 |    768 |    0.268 |  1912.33 |    1.710 |   149.68 |    1.978 |   388.30 |
"""
SERVE = {
    "date": "20261120-101112", "endpoint_type": "vllm", "backend": "vllm", "label": None, "model_id": "openai/gpt-oss-120b",
    "tokenizer_id": "openai/gpt-oss-120b", "num_prompts": 64, "request_rate": "inf", "burstiness": 1.0, "max_concurrency": 8,
    "duration": 100.0, "completed": 64, "failed": 0, "total_input_tokens": 65536, "total_output_tokens": 8192,
    "request_throughput": 0.64, "request_goodput": None, "output_throughput": 81.9, "total_token_throughput": 737.3,
    "mean_ttft_ms": 900.0, "median_ttft_ms": 850.0, "mean_tpot_ms": 52.0, "median_tpot_ms": 50.0, "mean_itl_ms": 51.0, "median_itl_ms": 40.0,
}  # fmt: skip


def statistics(value):
    return {
        "successful": {"mean": value, "median": value, "count": 10},
        "errored": {"mean": 0},
        "incomplete": {"mean": 0},
    }


def guidellm(strategy, prompt=1000, ttft=400.0, gap=20.0):
    metrics = {
        "prompt_token_count": statistics(prompt), "output_token_count": statistics(200), "time_to_first_token_ms": statistics(ttft),
        "inter_token_latency_ms": statistics(gap), "request_concurrency": statistics(3.3),
    }  # fmt: skip
    one = {
        "type_": "generative_benchmark",
        "config": {"strategy": strategy, "backend": {"model": "Qwen/Qwen3-8B-FP8"}},
        "metrics": metrics,
    }
    return {"metadata": {"version": 2, "guidellm_version": "0.5.0"}, "config": {}, "benchmarks": [one]}


def read(tmp_path, text, name="runs.txt"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return bench_files.read([path])


def mistakes(tmp_path, text, name="runs.txt"):
    found = read(tmp_path, text, name)
    return [bench_rows.render(m).removeprefix(str(tmp_path) + "/").rstrip("\n") for m in found.mistakes]


def as_csv(objects):
    out = io.StringIO()
    writer = csv.DictWriter(out, objects[0].keys(), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(objects)
    return out.getvalue()
