"""Results of benchmark programs as tests that the cost model can price.

`read` takes files of llama-bench (json, jsonl, csv, md), llama-batched-bench (md, jsonl), `vllm bench serve` and
guidellm (json), and measurements.csv. What is wrong with a file is collected with its place; what is right but cannot
be priced is told with its reason.
"""

from __future__ import annotations

import csv
import io
import json
import os
import pathlib
import re
from collections.abc import Iterator, Sequence

from . import measurements, served_files
from .bench_rows import EXPECTED, LARGEST, SMALLEST, Read, Row, Source, shown
from .errors import Problem


def read(paths: Sequence[str | os.PathLike[str]]) -> Read:
    """Reads files; mistakes are collected, not raised."""
    into = Read()
    for path in map(os.fspath, paths):
        try:
            text = pathlib.Path(path).read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError:
            into.mistakes.append(Problem(path, 0, 0, f"this is no text; {EXPECTED}"))
            continue
        except OSError as error:
            into.mistakes.append(Problem(path, 0, 0, f"cannot be read: {error.strerror}"))
            continue
        _read_text(Source(path, text, into))
    return into


def _read_text(source: Source) -> None:
    text = source.text
    head = text.split("\n", 1)[0].replace('"', "").strip()
    before = len(source.into.readings) + len(source.into.unused) + len(source.into.mistakes)
    if not text.strip():
        source.mistake(0, f"is empty; {EXPECTED}")
    elif text.lstrip()[0] in "{[":
        _read_json(source)
    elif head.startswith("id,") and "system_id" in head:
        _read_measurements(source)
    elif "n_prompt" in head:
        _read_csv(source)
    else:
        _read_markdown(source)
    if len(source.into.readings) + len(source.into.unused) + len(source.into.mistakes) == before:
        source.mistake(0, f"holds no measurement; {EXPECTED}")


_DEEPEST = 64  # results have six levels
_GAP = re.compile(r"\s*")
_GAP_IN_LIST = re.compile(r"[ \t\r\n,]*")


def _integer(digits: str) -> float:
    """A number of JSON; one of hundreds of digits is beyond every bound, and no int can be made of thousands."""
    return int(digits) if len(digits) < 20 else float(digits)


def _too_deep(value: object) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def _objects(source: Source) -> Iterator[Row]:
    """The objects of a JSON text: of a list, one after the other, or a single one."""
    text, decoder = source.text, json.JSONDecoder(parse_int=_integer)
    at = len(text) - len(text.lstrip())
    in_list = text[at] == "["
    at += in_list
    gap = _GAP_IN_LIST if in_list else _GAP
    line, counted = 1, 0  # the line of a position: lines are counted once, on the way
    while True:
        at = gap.match(text, at).end()
        line, counted = line + text.count("\n", counted, at), at
        if at >= len(text) or (in_list and text[at] == "]"):
            if at >= len(text) and in_list:
                last = text.count("\n", 0, len(text.rstrip())) + 1
                source.mistake(last, "the list has no end (]); is the file cut short?")
            return
        try:
            value, end = decoder.raw_decode(text, at)
            deep = _too_deep(value)
        except json.JSONDecodeError as error:
            why = (
                "is the file cut short?"
                if error.pos >= len(text.rstrip()) - 1 or "Unterminated" in error.msg
                else "expected JSON"
            )
            source.mistake(error.lineno, f"broken JSON ({error.msg}); {why}", error.colno)
            return
        except RecursionError:
            # The decoder does not say where the value ends, so what follows cannot be read.
            source.mistake(line, f"values are nested more than {_DEEPEST} deep; {EXPECTED}")
            return
        if deep:
            source.mistake(line, f"values are nested more than {_DEEPEST} deep; {EXPECTED}")
        elif isinstance(value, dict):
            yield Row(source, line, value, _lines_of(text, at, end, line))
        else:
            source.mistake(line, f"is {shown(value)}; {EXPECTED}")
        at = end


_KEY = re.compile(r'"(\w+)"\s*:')


def _lines_of(text: str, at: int, end: int, line: int) -> dict[str, int]:
    """The line in which each key of an object first stands."""
    out: dict[str, int] = {}
    for match in _KEY.finditer(text, at, end):
        line, at = line + text.count("\n", at, match.start()), match.start()
        out.setdefault(match[1], line)
    return out


def _read_json(source: Source) -> None:
    for row in _objects(source):
        keys = row.values.keys()
        if {"n_prompt", "n_gen"} <= keys:
            _llama_bench(row)
        elif {"pp", "tg", "pl"} <= keys:
            _batched(row)
        elif not served_files.take(row):
            near = ", ".join(list(keys)[:4])
            source.mistake(row.line, f"an object with {near or 'nothing in it'} is no result that is known; {EXPECTED}")


_BACKENDS = {
    "cuda": "cuda",
    "metal": "metal",
    "mtl": "metal",
    "rocm": "rocm",
    "hip": "rocm",
    "vulkan": "vulkan",
    "cpu": "cpu",
    "blas": "cpu",
}


def _engine(backends: str) -> str:
    """llama.cpp's backends ("CUDA", "MTL,BLAS") as our engine; empty where that is not known."""
    words = [w.strip().lower() for w in backends.split(",") if w.strip()]
    first = [w for w in words if w not in ("blas", "rpc")] or words
    backend = _BACKENDS.get(first[0]) if first else None
    return f"llama.cpp-{backend}" if backend else ""


def _flash_attention(value: object) -> dict:
    """llama-bench's flash_attn: a bool, 0, 1, or -1 (automatic: as the engine's sheet says)."""
    return {
        "0": {"flash_attention": False},
        "false": {"flash_attention": False},
        "1": {"flash_attention": True},
        "true": {"flash_attention": True},
    }.get(str(value).lower(), {})


_MOST_PARAMETERS = 1e15


def _limits(row: Row) -> dict | None:
    """None, and a report, where one is no number."""
    out = {}
    for key, ours in (("n_batch", "batch"), ("n_ubatch", "micro_batch")):
        count = row.count(key, otherwise=0)
        if count is None:
            return None
        if count:
            out[ours] = count
    return out


def _llama_bench(row: Row) -> None:
    """A row of llama-bench, with the names that its JSON has."""
    source, build = row.source, row.text("build_commit")
    if build.startswith("tokwatt"):
        source.mistake(row.line_of("build_commit"), "is a prediction of tokwatt bench; expected what was measured")
        return
    prompt, generate, depth = row.count("n_prompt"), row.count("n_gen"), row.count("n_depth", otherwise=0)
    rate = row.number("avg_ts", above_zero=True)
    parameters = row.number("model_n_params", otherwise=0, most=_MOST_PARAMETERS)
    # 0 is none at all; below it llama.cpp means all (-1: as many as fit), and so does who leaves it out.
    layers = row.count("n_gpu_layers", otherwise=-1, least=-2)
    limits = _limits(row)
    if None in (prompt, generate, depth, rate, parameters, layers, limits):
        return
    why = _not_priced(row, prompt, generate)
    if why:
        source.unused(row.line, why)
        return
    test = {
        "prompt": prompt,
        "generate": generate,
        "depth": depth,
        "sequences": 1,
        **limits,
        **_flash_attention(row.values.get("flash_attn")),
    }
    if row.text("type_k") not in ("", "f16"):
        test["kv"] = row.text("type_k")
    number = row.text("build_number")
    source.take(
        row.line,
        "llama-bench",
        test,
        rate,
        model=row.text("model_type"),
        model_file=row.text("model_filename"),
        parameters=parameters,
        engine=_engine(row.text("backends")),
        build=f"{build} ({number})" if number not in ("", "0") else build,
        gpu_layers=max(layers, -1),
        gpu=row.text("gpu_info"),
    )


def _not_priced(row: Row, prompt: int, generate: int) -> str:
    if prompt > 0 and generate > 0:
        return f"pp{prompt}+tg{generate} is one rate of two parts"
    if prompt == 0 and generate == 0:
        return "neither prompt nor answer"
    if row.text("n_cpu_moe") not in ("", "0"):
        return f"experts of {row.text('n_cpu_moe')} layers on the processor (n_cpu_moe)"
    if row.text("type_k") != row.text("type_v"):
        return f"keys in {row.text('type_k')}, values in {row.text('type_v')}"
    if row.text("tensor_buft_overrides") not in ("", "none"):
        return f"tensors placed by hand (tensor_buft_overrides {row.text('tensor_buft_overrides')})"
    if row.text("no_kv_offload") in ("1", "True", "true"):
        return "the KV cache in the host's memory (no_kv_offload)"
    return _split_by(row)


def _split_by(row: Row) -> str:
    """Which field says that several devices hold the model; empty where none does."""
    several = ""
    if row.text("tensor_split").strip("0./") != "":
        several = "tensor_split"
    elif "/" in row.text("devices"):
        several = "devices"
    elif "RPC" in row.text("backends"):
        several = "backends"
    elif ", " in row.text("gpu_info") and row.text("split_mode") != "none" and row.text("devices") in ("", "auto"):
        several = "gpu_info"  # llama.cpp takes all that there are
    return f"a model split over several devices ({several})" if several else ""


def _batched(row: Row) -> None:
    """A row of llama-batched-bench: prefill and decode."""
    source = row.source
    prompt, generate, sequences = row.count("pp"), row.count("tg"), row.count("pl")
    if prompt is None or generate is None or sequences is None:
        return
    if sequences == 0:
        source.mistake(row.line_of("pl"), "pl is 0; expected at least one sequence")
        return
    depth = row.count("n_depth", otherwise=0)
    layers = row.count("n_gpu_layers", otherwise=-1, least=-2)
    limits = _limits(row)
    if depth is None or layers is None or limits is None:
        return
    both = {**limits, **_flash_attention(row.values.get("flash_attn"))}
    shared = row.text("is_pp_shared") in ("1", "True", "true")
    more = {"gpu_layers": max(layers, -1)}
    if prompt > 0:
        rate = row.number("speed_pp", above_zero=True)
        test = {"prompt": prompt, "generate": 0, "depth": depth, "sequences": 1 if shared else sequences}
        if rate is not None:
            source.take(row.line, "llama-batched-bench", test | both, rate, **more)
    if generate > 0:
        rate = row.number("speed_tg", above_zero=True)
        test = {"prompt": 0, "generate": generate, "depth": depth + prompt, "sequences": sequences}
        if rate is not None:
            source.take(row.line, "llama-batched-bench", test | both, rate, **more)


def _read_csv(source: Source) -> None:
    reader = csv.reader(io.StringIO(source.text, newline=""))
    names: list[str] = []
    for cells in _records(source, reader):
        if not cells:
            continue
        if not names:
            names = cells
            continue
        if len(cells) != len(names):
            source.mistake(reader.line_num, f"has {len(cells)} values; expected {len(names)}, as the first line has")
            continue
        _llama_bench(Row(source, reader.line_num, dict(zip(names, cells, strict=True))))


def _records(source: Source, reader: Iterator) -> Iterator:
    """The rows of a reader, up to one that it cannot read."""
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            source.mistake(reader.line_num, f"broken CSV ({error}); is a quote left open?")
            return


def _read_measurements(source: Source) -> None:
    reader = csv.DictReader(io.StringIO(source.text, newline=""))
    for row in _records(source, reader):
        if None in row or None in row.values():
            source.mistake(
                reader.line_num,
                f"has another number of values than the first line; expected {len(reader.fieldnames or [])}",
            )
            continue
        try:
            one = measurements.one(row)
        except (KeyError, ValueError, OverflowError) as error:
            source.mistake(
                reader.line_num,
                f"is no row of measurements: {error}; expected the columns of docs/validation/measurements.csv",
            )
            continue
        if one is None:
            source.unused(
                reader.line_num, "measurements.csv: not a rate of prefill or decode on one box that is fit for use"
            )
            continue
        names = {key: one.test[key] for key in ("model", "quant", "engine", "system")}
        test = {key: value for key, value in one.test.items() if key not in names}
        if not SMALLEST <= one.rate <= LARGEST:
            source.mistake(reader.line_num, f"value is {shown(row['value'])}; expected a number of more than 0")
            continue
        beyond = [key for key, value in test.items() if isinstance(value, int) and not 0 <= value <= LARGEST]
        if beyond:
            source.mistake(reader.line_num, f"{beyond[0]} is too large; expected a count from 0 to {LARGEST}")
            continue
        source.take(reader.line_num, "measurements.csv", test, one.rate, **names)


_BATCHED = {"PP": "pp", "TG": "tg", "B": "pl", "S_PP t/s": "speed_pp", "S_TG t/s": "speed_tg"}
_SINGLE = {"model", "test", "t/s"}
_COLUMNS = {
    "ngl": "n_gpu_layers",
    "fa": "flash_attn",
    "backend": "backends",
    "model": "model_type",
    "ncmoe": "n_cpu_moe",
    "n_cpu_moe": "n_cpu_moe",
    "ts": "tensor_split",
}
_TEST = re.compile(r"(?:pp(?P<pp>\d+))?\+?(?:tg(?P<tg>\d+))?(?: @ d(?P<d>\d+))?")


_QUOTE = re.compile(r" *(?:> *)*")  # of mails and comments


def _cells(line: str, in_tabs: bool) -> list[str]:
    """The cells of a line of a table; none where it is no such line. A rendered table is pasted with tabs."""
    if line.startswith("|"):
        return [c.strip() for c in line.strip().removeprefix("|").removesuffix("|").split("|")]
    if "\t" not in line:
        return []
    cells = [c.strip() for c in line.split("\t")]
    return cells if in_tabs or _is_head(cells) else []


def _is_head(cells: Sequence[str]) -> bool:
    return set(_BATCHED) <= set(cells) or set(cells) >= _SINGLE


def _read_markdown(source: Source) -> None:
    """Tables of llama-bench and llama-batched-bench, between whatever else people paste."""
    names: list[str] = []
    in_tabs = False
    logged: dict[str, str] = {}
    # Not splitlines: it knows more ends of lines than editors count.
    lines = [line[_QUOTE.match(line).end() :].rstrip() for line in source.text.split("\n")]
    build = next((m[1] for m in map(re.compile(r"build: (.+)").match, lines) if m), "")
    tables = 0
    for at, line in enumerate(lines, 1):
        cells = _cells(line, in_tabs and bool(names))
        if not cells:
            names = names if not line.strip() else []
            logged.update(re.findall(r"\b(n_batch|n_ubatch|flash_attn|is_pp_shared|n_gpu_layers) = (-?\w+)", line))
            continue
        if set("".join(cells)) <= set("-: "):
            continue
        if _is_head(cells):
            names, tables, in_tabs = cells, tables + 1, not line.startswith("|")
        elif not names:
            source.mistake(
                at,
                f"a table with other columns ({', '.join(cells)[:60]}); "
                "expected those of llama-bench (model, ..., test, t/s)",
            )
            return
        elif len(cells) != len(names):
            source.mistake(at, f"has {len(cells)} cells; expected {len(names)}, as its table's first line has")
        elif "PP" in names:
            values = {_BATCHED.get(n, n): c for n, c in zip(names, cells, strict=True)}
            _batched(Row(source, at, logged | values))
        else:
            _single(source, at, dict(zip(names, cells, strict=True)), build)
    if not tables:
        source.mistake(1, f"this is nothing that is known here; {EXPECTED}")


def _single(source: Source, at: int, cells: dict[str, str], build: str) -> None:
    test = _TEST.fullmatch(cells["test"])
    if not cells["test"] or not test:
        source.mistake(at, f"test is {shown(cells['test'])}; expected one such as pp512, tg128 or pp512 @ d8192")
        return
    values: dict[str, object] = {_COLUMNS.get(name, name): cell for name, cell in cells.items()}
    values |= {"n_prompt": test["pp"] or 0, "n_gen": test["tg"] or 0, "n_depth": test["d"] or 0}
    values["avg_ts"] = re.split(r"±|\+/?-", cells["t/s"])[0].strip()
    values["build_commit"] = build
    if match := re.fullmatch(r"([\d.]+) ([BM])", cells.get("params", "")):
        try:
            values["model_n_params"] = float(match[1]) * {"B": 1e9, "M": 1e6}[match[2]]
        except ValueError:
            source.mistake(at, f"params is {shown(cells['params'])}; expected a number such as 8.03 B")
            return
    _llama_bench(Row(source, at, values, {}))
