"""Damaged, hostile and merely untidy result files: mistakes with their places, never a crash."""

import csv
import json
import time
from pathlib import Path

import pytest
from bench_texts import BATCHED, MARKDOWN, OBJECT, SERVE, as_csv, guidellm, mistakes, read
from tokwatt import calibrate

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
