"""Calibrates on the record and writes what the page shows: calibrated.yaml, tables in README.md, predicted.svg.

    page.py --tokwatt PROGRAM
"""

from __future__ import annotations

import argparse
import csv
import json
import pathlib
import re

import own_box
import picture

KINDS = {"prefill": "prompt processing", "decode": "generation", "batch": "batched generation"}


def table(head: list[str], rows: list[list[str]], right: int) -> str:
    """A Markdown table whose last `right` columns are numbers."""
    rule = ["---"] * (len(head) - right) + ["---:"] * right
    return "".join("| " + " | ".join(row) + " |\n" for row in [head, rule, *rows])


def digits(rate: float) -> str:
    return f"{rate:.3g}" if rate < 1000 else f"{rate:.0f}"


def sheet(test: own_box.Test) -> list[str]:
    return [test.model, test.quant, test.name]


def prediction_table(measured, before, after) -> str:
    rows = []
    for m in measured:
        b, a = before[m.test], after[m.test]
        error = f"{a.rate / m.rate - 1:+.0%}".replace("-", "−")
        inside = "" if a.low <= m.rate <= a.high else "**out**"
        rows.append([*sheet(m.test), f"{digits(m.rate)} ± {m.sd:.2g}", digits(b.rate), digits(a.rate),
                     f"{digits(a.low)} to {digits(a.high)}", error, inside])  # fmt: skip
    head = ["model", "quant", "test", "measured", "before", "after", "90 % interval", "error", ""]
    return table(head, rows, 6)


def score_table(measured, before, after) -> str:
    rows = []
    for kind, name in [*KINDS.items(), ("", "all")]:
        chosen = [m for m in measured if kind in ("", m.test.kind)]
        if not chosen:
            continue
        b, a = own_box.score(chosen, before), own_box.score(chosen, after)
        covered = [f"{s.covered} of {s.tests}" for s in (b, a)]
        errors = [f"{e:.0%}" for e in (b.error, b.worst, a.error, a.worst)]
        rows.append([name, *errors[:2], covered[0], *errors[2:], covered[1]])
    head = ["", "median error before", "worst", "in the interval", "median error after", "worst", "in the interval"]
    return table(head, rows, 6)


def machine_table(recorded: pathlib.Path) -> str:
    machine = json.loads((recorded / "machine.json").read_text())
    quiet = list(csv.DictReader((recorded / "quiet.csv").open()))
    # With one thread the other processors are free for others.
    full = [row for row in quiet if "one thread" not in row["file"] and row["file"] != "roof 1"]
    others = sorted(float(row["others"]) for row in full)
    steal = sorted(float(row["steal"]) for row in quiet)
    minutes = sum(float(row["seconds"]) for row in quiet) / 60
    rows = [
        ["processor", f"{machine['cpu']}, {machine['processors']} cores as the virtual machine shows them"],
        ["memory", f"{machine['memory_bytes'] / 1e9:.1f} GB"],
        ["system", f"{machine['system']}, {machine['compiler']}"],
        ["measured", f"{machine['date']}, {minutes:.1f} minutes in all"],
        ["quiet?", f"load {machine['load_before']:.1f} before and {machine['load_after']:.1f} after; others had "
                   f"{others[len(others) // 2]:.1%} of the processors (median over runs, {others[-1]:.1%} at most), "
                   f"the host took {steal[-1]:.1%} at most"],  # fmt: skip
    ]
    return table(["what", "here"], rows, 0)


def roof_table(recorded: pathlib.Path) -> str:
    roofs = json.loads((recorded / "machine.json").read_text())["roof"]
    names = {
        "cycles_per_s": ("clock, summed over cores", 1e9, "GHz"),
        "fp32_flop_per_s": ("fp32", 1e9, "GFLOP/s"),
        "bf16_flop_per_s": ("bf16", 1e9, "GFLOP/s"),
        "int8_op_per_s": ("int8", 1e9, "GOP/s"),
        "read_byte_per_s": ("reading memory, 4 KiB pages", 1e9, "GB/s"),
        "read_huge_pages_byte_per_s": ("reading memory, 2 MiB pages", 1e9, "GB/s"),
    }
    rows = []
    for key, (name, unit, symbol) in names.items():
        values = [f"{roof[key]['median'] / unit:.3g} {symbol}" for roof in roofs if key in roof]
        if values:
            rows.append([name, *values])
    threads = [f"{roof['threads']} thread{'s' * (roof['threads'] > 1)}" for roof in roofs]
    return table(["roof.c, median", *threads], rows, len(roofs))


def thread_table(recorded: pathlib.Path, measured) -> str:
    """What a second core adds: the same tests of one file with one thread and with all."""
    (path,) = recorded.glob("one-thread-*.jsonl")
    all_cores = {(m.test.gguf, m.test.name): m.rate for m in measured}
    rows = []
    for line in path.read_text().splitlines():
        row = json.loads(line)
        name = f"pp{row['n_prompt']}" if row["n_prompt"] else f"tg{row['n_gen']}"
        both = all_cores[row["model_filename"], name]
        rows.append([row["model_filename"], name, digits(row["avg_ts"]), digits(both), f"{both / row['avg_ts']:.2f}"])
    return table(["file", "test", "1 thread", "2 threads", "ratio"], rows, 3)


def said(printed: str) -> str:
    words = ["tokwatt calibrate", *own_box.calibration_arguments(), "-o calibrated.yaml"]
    command = " \\\n    ".join(words)
    return f"```console\n$ {command}\n{printed.rstrip()}\n```\n"


def put(page: str, name: str, text: str) -> str:
    pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"README.md has no block {name}")
    return pattern.sub(lambda m: m[1] + text + m[2], page)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokwatt", type=pathlib.Path, required=True, help="the program")
    tokwatt = parser.parse_args().tokwatt.resolve()
    printed = own_box.calibrate(tokwatt, "calibrated.yaml")
    calibrated = own_box.HERE / "calibrated.yaml"
    measured = own_box.read()
    tests = [m.test for m in measured]
    before = own_box.predict(tokwatt, own_box.BOX, tests)
    after = own_box.predict(tokwatt, calibrated, tests)
    seen = [m for m in measured if m.test.file in own_box.CALIBRATED_ON]
    unseen = [m for m in measured if m.test.file not in own_box.CALIBRATED_ON]
    path = own_box.HERE / "README.md"
    page = path.read_text()
    page = put(page, "machine", machine_table(own_box.RECORDED))
    page = put(page, "roof", roof_table(own_box.RECORDED))
    page = put(page, "calibrate", said(printed))
    page = put(page, "scores", score_table(unseen, before, after))
    page = put(page, "unseen", prediction_table(unseen, before, after))
    page = put(page, "seen", prediction_table(seen, before, after))
    page = put(page, "threads", thread_table(own_box.RECORDED, measured))
    path.write_text(page)
    (own_box.HERE / "predicted.svg").write_text(picture.draw(unseen, before, after))


if __name__ == "__main__":
    main()
