#!/usr/bin/env python3
"""What the fit says, as a table: the docs quote it (docs/theory/calibration.md).

    docs/calibration_table.py                            each parameter over the boxes and engines that were measured
    docs/calibration_table.py dgx-spark llama.cpp-cuda   one engine on one box, with 90 % intervals

Reads models/calibration/*.csv and needs nothing but Python's standard library.
"""
import csv
import statistics
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "models" / "calibration"
SPREADS = ("spread_prefill", "spread_decode")


def lines():
    for file in sorted(FOLDER.glob("*.csv")):
        with file.open(newline="", encoding="utf-8") as text:
            for row in csv.DictReader(text):
                yield {"engine": file.stem, **row}


def shown(parameter, value):
    """Seconds as microseconds, efficiencies as percentages."""
    if parameter.startswith(("kernel_", "host_")):
        return f"{value * 1e6:.3g} us"
    if "efficiency" in parameter:
        return f"{value * 100:.3g} %"
    return f"{value:.3g}"


def over_boxes():
    measured = [r for r in lines() if r["level"] == "box" and int(r["rows"]) > 0 and r["parameter"] not in SPREADS]
    places = {(r["engine"], r["name"]) for r in measured}
    engines, boxes = {e for e, _ in places}, {b for _, b in places}
    print(f"{len(places)} pairs of an engine and a box with measurements: {len(engines)} engines, {len(boxes)} boxes")
    print()
    print(f"{'parameter':29}{'median':>8}  {'lowest':>8}  {'highest':>8}  highest on")
    for parameter in dict.fromkeys(r["parameter"] for r in measured):
        of_one = sorted((r for r in measured if r["parameter"] == parameter), key=lambda r: float(r["value"]))
        median = statistics.median(float(r["value"]) for r in of_one)
        low, high = of_one[0], of_one[-1]
        cells = [shown(parameter, v) for v in (median, float(low["value"]), float(high["value"]))]
        print(f"{parameter:29}{cells[0]:>8}  {cells[1]:>8}  {cells[2]:>8}  {high['engine']}, {high['name']}")


def of(box, engine):
    chosen = [r for r in lines() if (r["engine"], r["level"], r["name"]) == (engine, "box", box)]
    if not chosen:
        raise SystemExit(f"models/calibration/{engine}.csv has no box {box}")
    print(f"{engine} on {box}: {chosen[0]['rows']} measurements")
    print()
    print(f"{'parameter':29}{'value':>8}  {'low':>8}  {'high':>8}")
    for row in chosen:
        cells = [shown(row["parameter"], float(row[key])) if row[key] else "" for key in ("value", "low", "high")]
        print(f"{row['parameter']:29}{cells[0]:>8}  {cells[1]:>8}  {cells[2]:>8}".rstrip())


def main(arguments):
    if len(arguments) == 2:
        of(*arguments)
    elif not arguments:
        over_boxes()
    else:
        raise SystemExit("calibration_table.py takes a box and an engine, or nothing")


if __name__ == "__main__":
    main(sys.argv[1:])
