#!/usr/bin/env python3
"""Draws docs/what-ifs/*.svg, a picture for each question of docs/what-ifs.md. `./dev docs --pictures` runs it."""

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import tokwatt
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from tokwatt.plots import COLORS, throttled_spans

ROOT = Path(__file__).resolve().parent.parent
HOUR = 3600.0


def answers(command: str, file: str, *sets: str) -> str:
    """Runs the program on a scenario or a study; where its results are."""
    out = Path(tempfile.mkdtemp()) / "out.h5"
    options = [word for one in sets for word in ("--set", one)]
    subprocess.run(
        [ROOT / "build/release/tokwatt", command, ROOT / "scenarios" / file, *options, "-o", out],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return str(out)


def run(file: str, *sets: str) -> tokwatt.Results:
    return tokwatt.open_results(answers("run", file, *sets))


def study(file: str) -> xr.Dataset:
    return xr.load_dataset(answers("study", f"studies/{file}"))


def smooth(series: xr.Dataset, variable: str, points: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Hours, and means over equally many samples, summed over devices or deployments."""
    values = np.asarray(series[variable])
    values = values.sum(axis=1) if values.ndim > 1 else values
    edges = np.linspace(0, len(values), min(points, len(values)) + 1).astype(int)
    means = np.array([values[a:b].mean() for a, b in zip(edges[:-1], edges[1:], strict=True)])
    return np.asarray(series["time"])[edges[1:] - 1] / HOUR, means


def hot_room(panels: Sequence[Axes]) -> None:
    for color, label, sets in ((COLORS[0], "22 °C", ["timeline=[]"]), (COLORS[1], "35 °C from the third hour", [])):
        series = run("a-hot-afternoon-on-a-spark.yaml", *sets).series
        for panel, variable, scale in zip(panels, ("throughput", "clock", "temperature"), (1, 1e-9, 1), strict=True):
            time, values = smooth(series, variable)
            panel.plot(time, values * scale, color=color, label=label, linewidth=1)
    for begin, until in throttled_spans(series, join=60):
        for panel in panels:
            panel.axvspan(begin / HOUR, until / HOUR, color=COLORS[1], alpha=0.13, linewidth=0)
    for panel, label in zip(panels, ("output\n[tokens/s]", "clock\n[GHz]", "die\n[°C]"), strict=True):
        panel.set_ylabel(label)
    panels[0].set_ylim(bottom=0)
    panels[-1].set_xlabel("time [h]; shaded: throttled")
    panels[0].legend(frameon=False, loc="lower right", ncols=2)


def dearer_at_six(panels: Sequence[Axes]) -> None:
    series = run("electricity-doubles-at-six.yaml").series
    bills = ((COLORS[0], "as it was", ["timeline=[]"]), (COLORS[1], "doubled from 18:00", []))
    for color, label, sets in bills:
        time, cost = smooth(run("electricity-doubles-at-six.yaml", *sets).series, "cost")
        panels[0].plot(time, cost, color=color, label=label)
    panels[0].set_ylabel("electricity so far [USD]")
    panels[0].legend(frameon=False)
    time, watts = smooth(series, "power")
    panels[1].plot(time, watts, color=COLORS[0], linewidth=1)
    panels[1].set_ylim(bottom=0)
    panels[1].set_ylabel("wall [W]")
    for panel in panels:
        panel.set_xlabel("time [h]")


def by_the_hour(panels: Sequence[Axes]) -> None:
    series = run("electricity-by-the-hour.yaml").series
    time, watts = smooth(series, "power", 96)
    joules, bill = np.asarray(series["energy"]).sum(axis=1), np.asarray(series["cost"]).sum(axis=1)
    at = np.linspace(0, len(joules) - 1, 97).astype(int)
    price = np.diff(bill[at]) / np.diff(joules[at]) * 3.6e6
    panels[0].step(np.asarray(series["time"])[at[1:]] / HOUR, price, color=COLORS[1])
    panels[0].set_ylabel("price [USD/kWh]")
    panels[1].plot(time, watts, color=COLORS[0], linewidth=1)
    panels[1].set_ylabel("wall [W]")
    for panel in panels:
        panel.set_ylim(bottom=0)
        panel.set_xlabel("time [h]")


def growing_team(panels: Sequence[Axes]) -> None:
    for panel, title, sets in zip(panels, ("with the shocks", "without"), ([], ["plan.shocks=[]"]), strict=True):
        plan = run("a-team-that-grows-for-three-years.yaml", *sets).plan
        panel.plot(plan["month"], plan["cumulated"] - plan["resale"], color=COLORS[0], label="the box, sold then")
        low, high = plan["cumulated"] - plan["resale_high"], plan["cumulated"] - plan["resale_low"]
        panel.fill_between(plan["month"], low, high, color=COLORS[0], alpha=0.2, linewidth=0)
        for i, rival in enumerate(plan["against"].values, start=1):
            panel.plot(plan["month"], plan["against_cumulated"].sel(against=rival), color=COLORS[i % len(COLORS)], label=str(rival))
        panel.set_title(title, fontsize=9)
        panel.set_xlabel("month")
        panel.set_ylim(0, 10_000)
    panels[0].set_ylabel("cost so far [USD]")
    panels[0].legend(frameon=False, fontsize=7)


def lines(data: xr.Dataset, axis: str, label: str, figures: dict[str, str], scale: float = 1) -> Callable[[Sequence[Axes]], None]:
    """Figures of a study along an axis of numbers."""

    def draw(panels: Sequence[Axes]) -> None:
        for panel, (metric, name) in zip(panels, figures.items(), strict=True):
            panel.plot(data[axis] * scale, data[metric], marker="o", markersize=4, color=COLORS[0])
            panel.set_ylabel(name)
            panel.set_xlabel(label)
            panel.set_ylim(bottom=0)

    return draw


def bars(data: xr.Dataset, axis: str, figures: dict[str, str]) -> Callable[[Sequence[Axes]], None]:
    """Figures of a study for each name of an axis."""

    def draw(panels: Sequence[Axes]) -> None:
        for i, (panel, (metric, name)) in enumerate(zip(panels, figures.items(), strict=True)):
            panel.barh([str(v) for v in data[axis].values], data[metric], color=COLORS[0])
            panel.invert_yaxis()
            panel.set_xlabel(name)
            if i > 0:
                panel.set_yticklabels([])

    return draw


def boxes(panels: Sequence[Axes]) -> None:
    data = study("which-box-for-how-many.yaml")
    users = [f"{int(u)}" for u in data["users"].values]
    width = 0.8 / data.sizes["box"]
    for panel, (metric, name) in zip(panels, {"ttft_s.p95": "TTFT p95 [s]", "tpot_s.p95": "TPOT p95 [ms]"}.items(), strict=True):
        for i, box in enumerate(data["box"].values):
            values = data[metric].sel(box=box) * (1000 if "tpot" in metric else 1)
            panel.bar(np.arange(len(users)) + i * width, values, width, color=COLORS[i % len(COLORS)], label=str(box))
        panel.set_xticks(np.arange(len(users)) + 0.4 - width / 2, users)
        panel.set_xlabel("people")
        panel.set_ylabel(name)
        panel.set_yscale("log")
    panels[0].legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(1.05, 1), ncols=data.sizes["box"])


def save(name: str, panels: int, draw: Callable[[Sequence[Axes]], None], *, stacked: bool = False) -> None:
    shape = (panels, 1) if stacked else (1, panels)
    size = (7.2, 1.5 * panels + 0.4) if stacked else (7.2, 2.6)
    figure, axes = plt.subplots(*shape, figsize=size, layout="constrained", squeeze=False)
    draw(list(axes.flat))
    figure.savefig(ROOT / "docs" / "what-ifs" / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "tokwatt", "svg.fonttype": "none", "font.size": 9}
    (ROOT / "docs" / "what-ifs").mkdir(exist_ok=True)
    save("a-hot-room", 3, hot_room, stacked=True)
    watts = {"tpot_s.p50": "TPOT [s]", "ttft_s.p50": "TTFT [s]", "j_per_tok_output": "J per token"}
    save("fewer-watts", 3, lines(study("a-cap-on-the-watts.yaml"), "limit", "power limit [W]", watts))
    save("electricity-doubles", 2, dearer_at_six)
    save("electricity-by-the-hour", 2, by_the_hour)
    save("three-years", 2, growing_team)
    growth = {"ttft_s.p95": "TTFT p95 [s]", "tpot_s.p95": "TPOT p95 [s]", "usd_per_mtok_output": "USD per Mtok"}
    save("the-team-grows", 3, lines(study("the-team-grows.yaml"), "users", "people", growth))
    context = {"ttft_s.p50": "TTFT [s]", "tpot_s.p50": "TPOT [s]", "j_per_tok_output": "J per token"}
    save("a-longer-context", 3, lines(study("a-longer-context.yaml"), "prompt", "prompt [thousand tokens]", context, 1e-3))
    quants = {"ttft_s.p50": "TTFT [s]", "tpot_s.p50": "TPOT [s]", "j_per_tok_output": "J per token"}
    save("another-quant", 3, bars(study("another-quant.yaml"), "quant", quants))
    draft = {"tpot_s.p50": "TPOT [s]", "throughput_tok_s.output": "tokens/s", "j_per_tok_output": "J per token"}
    save("with-a-draft", 3, bars(study("with-a-draft.yaml"), "who", draft))
    save("which-box", 2, boxes)


if __name__ == "__main__":
    main()
