#!/usr/bin/env python3
"""Draws docs/sustained-load/*.svg: throughput, clock, temperature and power of runs under lasting load, on one axis of time.

`./dev docs --pictures` runs it: the program simulates each scenario of PICTURES, the Python package reads the results file.
"""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import tokwatt
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from tokwatt.plots import COLORS, throttled_spans

ROOT = Path(__file__).resolve().parent.parent
POINTS = 500  # of a line: more than the page has pixels for
HOUR = 3600.0


@dataclass
class Picture:
    """Runs of one scenario: what each is called, and what is set in it. The last one's throttled spans are shaded."""

    scenario: str
    runs: dict[str, list[str]]
    unit: str = "h"


PICTURES = [
    Picture(
        "a-day-at-full-load-on-a-spark",
        {"room of 22 °C": [], "room of 35 °C": ["environment.ambient=35 degC"]},
    ),
    Picture("a-laptop-on-battery", {"": []}, unit="min"),
    Picture(
        "four-sparks-in-a-cabinet",
        {"doors open": ["environment.room.conductance=1 kW/K"], "doors closed": []},
    ),
    Picture(
        "a-summer-week",
        {"cooled": [], "not cooled": ["environment.room.cooling.max_power=0 W"]},
        unit="days",
    ),
]
UNITS = {"min": 60.0, "h": HOUR, "days": 24 * HOUR}


def simulate(scenario: str, sets: list[str]) -> tokwatt.Results:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.h5"
        options = [word for one in sets for word in ("--set", one)]
        command = ["build/release/tokwatt", "run", f"scenarios/{scenario}.yaml", *options, "-o", str(out), "--quiet"]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        return tokwatt.open_results(str(out))


def per_point(values: np.ndarray, count: int) -> np.ndarray:
    """Means over spans of equally many samples."""
    edges = np.linspace(0, len(values), count + 1).astype(int)
    return np.array([values[a:b].mean() for a, b in zip(edges[:-1], edges[1:], strict=True)])


def line(axes: Axes, series: xr.Dataset, values: np.ndarray, unit: float, **style: object) -> None:
    count = min(POINTS, len(values))
    time = np.asarray(series["time"])[np.linspace(0, len(values), count + 1).astype(int)[1:] - 1]
    axes.plot(time / unit, per_point(values, count), linewidth=1, **style)


def sum_over(series: xr.Dataset, variable: str) -> np.ndarray:
    return np.asarray(series[variable]).sum(axis=1)


def draw(picture: Picture) -> None:
    unit = UNITS[picture.unit]
    figure, panels = plt.subplots(4, 1, sharex=True, figsize=(7.2, 6.4), layout="constrained")
    results = {name: simulate(picture.scenario, sets) for name, sets in picture.runs.items()}
    for color, (name, run) in zip(COLORS, results.items(), strict=False):
        series = run.series
        line(panels[0], series, sum_over(series, "throughput"), unit, color=color, label=name)
        line(panels[1], series, np.asarray(series["clock"]).min(axis=1) / 1e9, unit, color=color)
        line(panels[2], series, np.asarray(series["temperature"]).max(axis=1), unit, color=color, label="die")
        if "room_temperature" in series:
            line(panels[2], series, np.asarray(series["room_temperature"]), unit, color=color, linestyle=":", label="room")
        line(panels[3], series, sum_over(series, "power"), unit, color=color)
    last = list(results.values())[-1].series
    end = float(last["time"][-1])
    for begin, until in throttled_spans(last, join=end / 400):
        for panel in panels:
            panel.axvspan(begin / unit, until / unit, color=COLORS[1], alpha=0.13, linewidth=0)
    for panel, title in zip(panels, ["output\n[tokens/s]", "slowest clock\n[GHz]", "hottest die\n[°C]", "wall\n[W]"], strict=True):
        panel.set_ylabel(title)
        panel.margins(x=0)
    panels[0].set_ylim(bottom=0)
    panels[3].set_ylim(bottom=0)
    panels[3].set_xlabel(f"time [{picture.unit}]; shaded: throttled{f' ({list(results)[-1]})' if len(results) > 1 else ''}")
    if len(results) > 1:
        panels[0].legend(loc="lower right", ncols=2, frameon=False)
    figure.savefig(ROOT / "docs" / "sustained-load" / f"{picture.scenario}.svg", metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "tokwatt", "svg.fonttype": "none", "font.size": 9}
    for picture in PICTURES:
        draw(picture)


if __name__ == "__main__":
    main()
