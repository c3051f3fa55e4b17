"""Readers of benchmark results: each format as its program writes it, and what is said of a wrong one."""

import csv
import io
import json
import time
from pathlib import Path

import llama_bench as lb
import pytest
from tokwatt import bench_files, bench_rows, calibrate, file_names
from tokwatt.errors import InputError

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
        (1024, pytest.approx(1024 / 0.85)),
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


NAN = json.dumps(OBJECT | {"avg_ts": float("nan")})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["runs.txt: error: is empty; expected results of llama-bench"]),
        (" \n\n", ["runs.txt: error: is empty"]),
        ("hello\nworld\n", ["runs.txt:1: error: this is nothing that is known here; expected"]),
        ("[]", ["runs.txt: error: holds no measurement"]),
        ("[1, 2]", ["runs.txt:1: error: is 1; expected", "runs.txt:1: error: is 2"]),
        (
            '{"a": 1}',
            ["runs.txt:1: error: an object with a is no result that is known; expected results of llama-bench"],
        ),
        (json.dumps([OBJECT, OBJECT], indent=2)[:-40], ["is the file cut short?"]),
        ("[\n" + json.dumps(OBJECT), ["runs.txt:2: error: the list has no end (]); is the file cut short?"]),
        (json.dumps(OBJECT) + "\n" + json.dumps(OBJECT)[:100], ["runs.txt:2:"]),
        (
            NAN + "\n" + json.dumps(OBJECT | {"avg_ts": 0}),
            ["runs.txt:1: error: avg_ts is NaN; expected a number of more than 0", "runs.txt:2: error: avg_ts is 0; "],
        ),
        (json.dumps(OBJECT | {"avg_ts": "fast"}, indent=0), ['avg_ts is "fast"; expected a number of more than 0']),
        (json.dumps(OBJECT | {"n_prompt": -1}), ["n_prompt is -1; expected a count from 0 to 2147483648"]),
        (
            json.dumps({k: v for k, v in OBJECT.items() if k != "avg_ts"}),
            ["runs.txt:1: error: avg_ts is missing; expected a number"],
        ),
        (
            json.dumps(OBJECT | {"build_commit": "tokwatt 0.1.0"}),
            ["is a prediction of tokwatt bench; expected what was measured"],
        ),
        (
            "| a | b |\n| - | - |\n| 1 | 2 |\n",
            ["runs.txt:1: error: a table with other columns (a, b); expected those of llama-bench"],
        ),
        (MARKDOWN.replace("pp2048 |", "pp2k |"), ['runs.txt:5: error: test is "pp2k"; expected one such as pp512']),
        (
            MARKDOWN.replace("1723.07 \u00b1 14.93", "nan \u00b1 nan"),
            ['runs.txt:5: error: avg_ts is "nan"; expected a number of more than 0'],
        ),
        (
            MARKDOWN.replace("|  1 |          pp2048", "|          pp2048"),
            ["runs.txt:5: error: has 8 cells; expected 9"],
        ),
        (BATCHED.replace("111.3", "0"), ["runs.txt:1: error: speed_tg is 0; expected"]),
        (BATCHED.replace('"pl": 4', '"pl": 0'), ["pl is 0; expected at least one sequence"]),
        (as_csv([OBJECT]).replace('"2048.5"', '"2048.5","1"'), ["runs.txt:2: error: has"]),
        (json.dumps(SERVE | {"completed": 0}), ["completed is 0; expected"]),
        (json.dumps(SERVE | {"median_itl_ms": -3}), ["median_itl_ms is -3; expected"]),
        (json.dumps({"benchmarks": [{}]}), ["benchmarks.0 has no metrics; expected a report of guidellm"]),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path, text, said):
    found = mistakes(tmp_path, text)
    assert len(found) >= len(said)
    for piece in said:
        assert any(piece in line for line in found), found


def of(**changes):
    return json.dumps(OBJECT | changes)


def raw(key, text):
    """An object of llama-bench with any text as a key's value."""
    return of(**{key: "HERE"}).replace('"HERE"', text)


GOOD_SERVE = guidellm({"type_": "synchronous"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (raw("samples_ts", "[" * 100_000 + "]" * 100_000), "runs.txt:1: error: values are nested more than 64 deep"),
        ("[" * 100_000, "runs.txt:1: error: values are nested more than 64 deep"),
        (raw("samples_ts", "[" * 70 + "]" * 70), "runs.txt:1: error: values are nested more than 64 deep"),
        ('{"benchmarks": [' + '{"a": ' * 500 + "1" + "}" * 500 + "]}", "values are nested more than 64 deep"),
        ("[[[1]]]", "runs.txt:1: error: is [[1]]; expected results of llama-bench"),
        (of(n_gpu_layers=[1]), "runs.txt:1: error: n_gpu_layers is [1]; expected a count from -2 to 2147483648"),
        (raw("n_gpu_layers", "Infinity"), "n_gpu_layers is Infinity; expected a count"),
        (of(n_gpu_layers="all"), 'n_gpu_layers is "all"; expected a count'),
        (of(n_gpu_layers=True), "n_gpu_layers is true; expected a count"),
        (of(n_gpu_layers=1.5), "n_gpu_layers is 1.5; expected a count"),
        (raw("n_gpu_layers", "9" * 400), "n_gpu_layers is Infinity; expected a count"),
        (raw("n_prompt", "9" * 5000), "n_prompt is Infinity; expected a count"),
        (of(n_prompt="9" * 5000), 'n_prompt is "999'),
        (raw("n_prompt", "1e300"), "n_prompt is 1e+300; expected a count from 0 to 2147483648"),
        (of(n_prompt=512.5), "n_prompt is 512.5; expected a count"),
        (of(n_prompt=-512), "n_prompt is -512; expected a count from 0 to 2147483648"),
        (of(n_batch=1e300), "n_batch is 1e+300; expected a count"),
        (of(model_n_params=1e300), "model_n_params is 1e+300; expected a number from 0 to 1e+15"),
        (of(avg_ts=1e300), "avg_ts is 1e+300; expected a number of more than 0 (1e-09 to 2147483648)"),
        (of(avg_ts=1e-308), "avg_ts is 1e-308; expected a number of more than 0 (1e-09 to"),
        (as_csv([OBJECT]) + '"' + "x" * 140_000 + "\n", "error: broken CSV (field larger than field limit (131072))"),
        (MARKDOWN.replace("116.83 B", "1.2.3 B"), 'runs.txt:5: error: params is "1.2.3 B"; expected a number such as'),
        (MARKDOWN.replace("pp2048 ", "pp" + "9" * 5000 + " "), 'runs.txt:5: error: n_prompt is "999'),
        (BATCHED.replace('"pp": 512', '"pp": 1e300'), "pp is 1e+300; expected a count"),
        (BATCHED.replace('"n_gpu_layers": 99', '"n_gpu_layers": "x"'), 'n_gpu_layers is "x"; expected a count'),
        (json.dumps(SERVE | {"completed": 1e-308}), "completed is 1e-308; expected a count from 1 to 2147483648"),
        (json.dumps(SERVE | {"total_input_tokens": 1e300}), "total_input_tokens is 1e+300; expected a count"),
        (json.dumps(SERVE | {"max_concurrency": 10**15}), "max_concurrency is 1000000000000000; expected a count"),
        (json.dumps(SERVE | {"median_itl_ms": 1e-308}), "median_itl_ms is 1e-308; expected a number of more than 0"),
        (json.dumps(guidellm({"type_": "synchronous"}, prompt=1e300)), "prompt_token_count.successful.mean is 1e+300"),
        (json.dumps(guidellm({"type_": "synchronous"}, gap=float("inf"))), "inter_token_latency_ms.successful.median"),
    ],
)
def test_hostile_files_are_mistakes_with_their_place(tmp_path, capsys, text, said):
    found = mistakes(tmp_path, text)
    assert any(said in line and line.startswith("runs.txt:") for line in found), [line[:200] for line in found]
    assert max(map(len, found)) < 400
    command = [str(tmp_path / "runs.txt"), "--system", "spark", "-o", str(tmp_path / "box.yaml")]
    assert calibrate.main(command) == 3 and not capsys.readouterr().out


@pytest.mark.parametrize("cell", ["9" * 400, "9" * 5000, "1e999", "-4"])
def test_numbers_beyond_all_bounds_in_measurements_csv(tmp_path, cell):
    lines = (Path(__file__).parents[2] / "docs/validation/measurements.csv").read_text().splitlines()
    names = next(csv.reader(lines))
    rows = [dict(zip(names, cells, strict=True)) for cells in csv.reader(lines[1:])]
    meant = {"metric": "pp_tok_s", "engine_id": "llama.cpp-cuda", "clean": "1"}
    good = next(r for r in rows if r.items() >= meant.items())
    for key in ("prompt_len", "value"):
        (said,) = mistakes(tmp_path, as_csv([good | {key: cell}]))
        assert said.startswith("runs.txt:2: error: "), said


def test_no_layers_on_the_device_are_not_all_of_them(tmp_path):
    for text in (of(n_gpu_layers=0), of(n_gpu_layers="0"), as_csv([OBJECT | {"n_gpu_layers": 0}])):
        assert [r.gpu_layers for r in read(tmp_path, text).readings] == [0]
    for value in (-1, -2, None, ""):
        assert [r.gpu_layers for r in read(tmp_path, of(n_gpu_layers=value)).readings] == [-1]
    table = read(tmp_path, MARKDOWN.replace("|  99 |", "|   0 |"))
    assert [r.gpu_layers for r in table.readings] == [0, 0]
    batched = read(tmp_path, BATCHED.replace('"n_gpu_layers": 99', '"n_gpu_layers": 0'))
    assert [r.gpu_layers for r in batched.readings] == [0, 0]


def test_names_that_nobody_can_print(tmp_path, capsys):
    path, box = tmp_path / "runs.jsonl", tmp_path / "box.yaml"
    path.write_text(of(build_commit="\ud800\x1b[31m", gpu_info="NVIDIA\nGB10 \x00"))
    assert calibrate.main([str(path), "--system", "spark", "-o", str(box)]) == 0
    said = capsys.readouterr().out + box.read_text(encoding="utf-8")
    assert "\x1b" not in said and "build \ufffd\ufffd[31m (7941)" in said


TABLE = MARKDOWN.split("\n\n")[1]


def pasted():
    """The same table as it looks after it went through a page, a mail or a keyboard."""
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in TABLE.splitlines()]
    tabs = ["\t".join(r) for r in rows if "---" not in r[0]]
    quote = "".join(f"> {line}\n" for line in MARKDOWN.splitlines())
    return {
        "tabs": "Results:\n" + "\n".join(tabs) + "\nThanks!\n\nbuild: eeee367de (5989)\n",
        "quote": quote,
        "quote in a quote": "".join(f"> {line}\n" for line in quote.splitlines()),
        "plus and minus": MARKDOWN.replace("\u00b1", "+-"),
        "plus or minus": MARKDOWN.replace("\u00b1", "+/-"),
        "carriage returns": MARKDOWN.replace("\n", "\r\n"),
    }


@pytest.mark.parametrize("how", pasted())
def test_tables_as_people_paste_them(tmp_path, how):
    found = read(tmp_path, pasted()[how])
    assert not found.mistakes and len(found.unused) == 1
    right = read(tmp_path, MARKDOWN).readings
    for reading, expected in zip(found.readings, right, strict=True):
        expected.line = reading.line
        assert reading == expected


def test_time_is_linear_in_rows(tmp_path):
    one = of() + "\n"

    def seconds(text):
        start = time.process_time()
        assert not read(tmp_path, text).mistakes
        return time.process_time() - start

    for make in (
        lambda n: one * n,
        lambda n: "[" + (one + ",") * (n - 1) + one + "]",
        lambda n: json.dumps(GOOD_SERVE | {"notes": ["x\n"] * 50 * n}, indent=1),
    ):
        few, many = make(1500), make(12000)
        assert seconds(many) < 3 * 8 * max(min(seconds(few) for _ in range(3)), 0.02)


def test_a_broken_line_in_a_pretty_object_has_its_own_number(tmp_path):
    text = json.dumps([OBJECT | {"avg_ts": 0}], indent=1)
    line = next(n for n, t in enumerate(text.splitlines(), 1) if '"avg_ts"' in t)
    assert mistakes(tmp_path, text)[0].startswith(f"runs.txt:{line}: error: avg_ts is 0")


def test_all_mistakes_of_all_files_at_once_and_no_sheet(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text(NAN + "\n" + NAN + "\n")
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "c.json").write_text("")
    assert calibrate.main(["a.jsonl", "b.json", "c.json", "--system", "spark", "-o", "box.yaml"]) == 3
    said = capsys.readouterr()
    assert not said.out and not (tmp_path / "box.yaml").exists()
    for piece in (
        "a.jsonl:1: error:",
        "a.jsonl:2: error:",
        "b.json: error: this is no text",
        "c.json: error: is empty",
    ):
        assert piece in said.err


@pytest.mark.parametrize(
    ("name", "file", "parameters", "model", "quant"),
    [
        ("llama 8B Q4_K - Medium", "/m/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", 8.03e9, "llama-3.1-8b", "q4_k_m"),
        ("gpt-oss 120B MXFP4 MoE", "", 116.83e9, "gpt-oss-120b", "mxfp4"),
        ("gpt-oss 20B MXFP4 MoE", "/m/gpt-oss-20b-mxfp4-00001-of-00002.gguf", 20.91e9, "gpt-oss-20b", "mxfp4"),
        ("qwen3moe 30B.A3B Q4_K - Medium", "Qwen3-30B-A3B-UD-Q4_K_XL.gguf", 30.53e9, "qwen3-30b-a3b", "q4_k_xl"),
        ("qwen3moe 30B.A3B Q8_0", "", 30.53e9, None, "q8_0"),
        ("gemma3 12B BF16", "", 11.77e9, "gemma-3-12b", "bf16"),
        ("llama 8B IQ4_XS - 4.25 bpw", "", 8.03e9, None, "iq4_xs"),
        ("openai/gpt-oss-120b", "", 0, "gpt-oss-120b", ""),
        ("Qwen/Qwen3-8B-FP8", "", 0, "qwen3-8b", "fp8"),
    ],
)
def test_models_and_quants_by_the_names_in_files(name, file, parameters, model, quant):
    found = file_names.Models().named(name, file, parameters)
    assert not found.why
    assert found.model == model or (model is None and found.model)
    assert file_names.quant_in(file_names.stem(file), name) == quant


def test_a_model_that_is_not_known_is_an_error_that_says_what_to_do(tmp_path, capsys):
    path = tmp_path / "runs.jsonl"
    path.write_text(
        json.dumps(OBJECT | {"model_type": "foo 7B Q4_0", "model_filename": "foo.gguf", "model_n_params": 7.6e9}) + "\n"
    )
    out = ["-o", str(tmp_path / "box.yaml")]
    assert calibrate.main([str(path), "--system", "spark", *out]) == 3
    said = capsys.readouterr().err
    assert (
        'runs.jsonl:1: error: no model here is "foo 7B Q4_0" (7.60 B parameters); expected --model ID or --model "foo 7B Q4_0=ID"'
        in said
    )
    assert "did you mean" in said
    assert calibrate.main([str(path), "--system", "spark", "--model", "foo 7B Q4_0=llama-3.1-8b", *out]) == 0
    capsys.readouterr()
    assert (
        calibrate.main(
            [str(path), "--system", "spark", "--model", "fo 7B Q4_0=llama-3.1-8b", "--model", "llama-3.1-8b", *out]
        )
        == 3
    )
    assert 'no row has this name; did you mean "foo 7B Q4_0"?' in capsys.readouterr().err
    assert calibrate.main([str(path), "--system", "spark", "--model", "llama-3.1-8", *out]) == 3
    assert 'did you mean "llama-3.1-8b"?' in capsys.readouterr().err
    assert calibrate.main([str(path), "--system", "spark", "--model", "=x", *out]) == 2


def test_rows_of_part_of_a_model_on_the_device_are_not_used(tmp_path):
    path = tmp_path / "runs.jsonl"
    changes = [
        {},
        {"n_gpu_layers": 10},
        {"n_cpu_moe": 4},
        {"tensor_split": "1.00/1.00"},
        {"type_k": "q8_0"},
        {"n_gpu_layers": -1},
    ]
    path.write_text("".join(json.dumps(OBJECT | c | {"avg_ts": 1500.0}) + "\n" for c in changes))
    found = calibrate.calibrate([path], system="spark")
    whys = {line: why for _, line, why in found.unused}
    assert set(whys) == {2, 3, 4, 5}
    assert whys[2].startswith("10 of 32 layers on the device") and "n_cpu_moe" in whys[3]


def test_files_that_do_not_name_their_engine_need_one(tmp_path):
    path = tmp_path / "runs.jsonl"
    path.write_text(BATCHED)
    with pytest.raises(
        InputError, match="a row of llama-batched-bench does not say which engine ran; expected --engine"
    ):
        calibrate.calibrate([path], system="spark")
    with pytest.raises(InputError, match="the file does not name its model; expected --model"):
        calibrate.calibrate([path], system="spark", engine="llama.cpp")
    found = calibrate.calibrate([path], system="spark", engine="llama.cpp", models=["llama-3.1-8b"], quants=["q4_k_m"])
    assert found.engines[0].engine == "llama.cpp-cuda" and len(found.engines[0].readings) == 2


def test_several_files_and_engines_make_one_sheet(tmp_path):
    llama, serve = tmp_path / "llama.jsonl", tmp_path / "serve.json"
    rows = lb.rows_of(lb.LLAMA)
    lb.write(llama, (lb.LLAMA_FILE, rows, lb.rates(rows)))
    serve.write_text(json.dumps(SERVE | {"max_concurrency": 1, "median_itl_ms": 25.0, "median_ttft_ms": 700.0}))
    found = calibrate.calibrate([llama, serve], system="spark")
    assert [f.engine for f in found.engines] == ["llama.cpp-cuda", "vllm"]
    sheet = found.sheet(str(tmp_path / "box.yaml"))
    assert '  file1: "llama.jsonl, llama-bench' in sheet and '  file2: "serve.json, vllm bench serve' in sheet
    assert "      source: [file2]" in sheet
