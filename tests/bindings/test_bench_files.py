"""Result files of every tool that is read."""

import json
from pathlib import Path

import pytest
from bench_texts import BATCHED, BATCHED_MARKDOWN, MARKDOWN, OBJECT, SERVE, as_csv, guidellm, read


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([OBJECT], indent=2),
        json.dumps(OBJECT) + "\n",
        json.dumps(OBJECT, indent=1),
        as_csv([OBJECT]),
        "\ufeff" + as_csv([OBJECT]),
    ],
    ids=["json", "jsonl", "one object", "csv", "csv with a mark"],
)
def test_llama_bench(tmp_path, text):
    found = read(tmp_path, text)
    assert not found.mistakes and not found.unused
    (row,) = found.readings
    assert row.test == {
        "prompt": 512,
        "generate": 0,
        "depth": 0,
        "sequences": 1,
        "batch": 2048,
        "micro_batch": 512,
        "flash_attention": True,
    }
    assert (row.rate, row.engine, row.build, row.parameters, row.gpu_layers) == (
        2048.5,
        "llama.cpp-cuda",
        "3f3a4fb9c (7941)",
        8030261312,
        99,
    )
    assert (row.model, row.model_file) == ("llama 8B Q4_K - Medium", "/models/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf")


def test_older_builds_of_llama_bench(tmp_path):
    old = {k: v for k, v in OBJECT.items() if k not in ("n_depth", "n_cpu_moe", "tensor_split")} | {
        "flash_attn": False,
        "backends": "Metal,BLAS",
        "use_mmap": True,
    }
    (row,) = read(tmp_path, json.dumps(old)).readings
    assert row.test["depth"] == 0 and row.test["flash_attention"] is False and row.engine == "llama.cpp-metal"
    (automatic,) = read(tmp_path, json.dumps(OBJECT | {"flash_attn": -1, "backends": "BLAS"})).readings
    assert "flash_attention" not in automatic.test and automatic.engine == "llama.cpp-cpu"


def test_llama_bench_markdown_as_people_paste_it(tmp_path):
    found = read(tmp_path, MARKDOWN)
    assert not found.mistakes
    prefill, decode = found.readings
    assert prefill.test == {
        "prompt": 2048,
        "generate": 0,
        "depth": 0,
        "sequences": 1,
        "micro_batch": 2048,
        "flash_attention": True,
    }
    assert (decode.test["generate"], decode.test["depth"], decode.rate) == (32, 4096, 37.25)
    assert (prefill.rate, prefill.line, prefill.engine, prefill.build) == (
        1723.07,
        5,
        "llama.cpp-cuda",
        "eeee367de (5989)",
    )
    assert prefill.parameters == pytest.approx(116.83e9)
    assert found.unused == [(str(tmp_path / "runs.txt"), 7, "pp512+tg128 is one rate of two parts")]


@pytest.mark.parametrize("text", [BATCHED, BATCHED_MARKDOWN], ids=["jsonl", "md"])
def test_llama_batched_bench(tmp_path, text):
    found = read(tmp_path, text)
    assert not found.mistakes
    prefill, decode = found.readings
    if text is BATCHED:
        assert (prefill.test["sequences"], prefill.test["prompt"], prefill.rate) == (4, 512, 2089.8)
        assert (decode.test["sequences"], decode.test["depth"], decode.test["generate"], decode.rate) == (
            4,
            512,
            128,
            111.3,
        )
    else:  # the prompt is shared: it went in once
        assert (prefill.test["sequences"], prefill.test["micro_batch"]) == (1, 2048)
        assert (decode.test["sequences"], decode.rate, decode.test["flash_attention"]) == (8, 149.68, True)


def test_vllm_serve_gives_a_step_of_the_batch(tmp_path):
    found = read(tmp_path, json.dumps(SERVE))
    (decode,) = found.readings
    assert decode.test == {"prompt": 0, "generate": 1, "depth": 1024 + 64, "sequences": 8}
    assert decode.rate == pytest.approx(8 / 0.040) and (decode.engine, decode.model) == ("vllm", "openai/gpt-oss-120b")
    assert "waited for others' prompts" in found.unused[0][2]
    alone = read(tmp_path, json.dumps(SERVE | {"max_concurrency": 1}))
    assert [(r.test["prompt"], r.rate) for r in alone.readings] == [
        (0, pytest.approx(25.0)),
        (1024, pytest.approx(1024 / (0.85 - 0.04))),  # told with the step after it
    ]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"max_concurrency": None}, "without --max-concurrency"),
        ({"request_rate": 2.0}, "fewer than 8 requests in flight"),
        ({"completed": 10}, "most steps had fewer"),
        ({"spec_decode_acceptance_length": 2.1}, "speculation"),
        ({"max_concurrency": 1, "total_input_tokens": 640}, "a prompt of 10 tokens"),
    ],
)
def test_what_of_a_server_is_not_priced(tmp_path, change, why):
    found = read(tmp_path, json.dumps(SERVE | change))
    assert not found.mistakes and any(why in u[2] for u in found.unused), found.unused


def test_vllm_latency_and_throughput_say_too_little(tmp_path):
    latency = read(tmp_path, json.dumps({"avg_latency": 3.2, "latencies": [3.2], "percentiles": {"50": 3.2}}))
    through = read(
        tmp_path,
        json.dumps(
            {
                "elapsed_time": 9.0,
                "num_requests": 10,
                "total_num_tokens": 999,
                "requests_per_second": 1.1,
                "tokens_per_second": 111,
            }
        ),
    )
    assert not latency.readings and "without their lengths" in latency.unused[0][2]
    assert not through.readings and "mixed steps" in through.unused[0][2]


def test_guidellm(tmp_path):
    found = read(tmp_path, json.dumps(guidellm({"type_": "synchronous"}), indent=1))
    assert [(r.test["sequences"], r.test["prompt"], r.rate) for r in found.readings] == [
        (1, 0, pytest.approx(50.0)),
        (1, 1000, pytest.approx(2500.0)),
    ]
    assert {r.model for r in found.readings} == {"Qwen/Qwen3-8B-FP8"} and {r.engine for r in found.readings} == {""}
    (decode,) = read(tmp_path, json.dumps(guidellm({"type_": "concurrent", "streams": 4}))).readings
    assert decode.test["sequences"] == 4 and decode.test["depth"] == 1100 and decode.rate == pytest.approx(200.0)
    rate = read(tmp_path, json.dumps(guidellm({"type_": "constant", "rate": 2.0})))
    assert not rate.readings and "not fixed" in rate.unused[0][2]


def test_a_few_rows_of_measurements_csv(tmp_path):
    lines = (Path(__file__).parents[2] / "docs/validation/measurements.csv").read_text().splitlines(keepends=True)
    found = read(
        tmp_path, lines[0] + "".join(line for line in lines if ",llama.cpp-cuda," in line)[:20000].rsplit("\n", 1)[0]
    )
    assert not found.mistakes and found.readings
    assert all(r.system and r.engine == "llama.cpp-cuda" and "system" not in r.test for r in found.readings)
