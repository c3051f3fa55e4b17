"""Pictures of results (plotly)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

if TYPE_CHECKING:
    from .results import Results

# Variable of /series, title of its axis with the unit shown, factor into that unit.
PANELS = [
    ("throughput", "output<br>[tokens/s]", 1.0),
    ("clock", "clock<br>[GHz]", 1e-9),
    ("temperature", "die<br>[°C]", 1.0),
    ("power", "wall<br>[W]", 1.0),
]
# Okabe and Ito's palette, which colour-blind people can tell apart.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
DASHES = ["solid", "dot", "dash", "dashdot"]
SHADE = "rgba(213, 94, 0, 0.13)"


def throttled_spans(series: xr.Dataset, *, join: float = 0.0) -> list[tuple[float, float]]:
    """Spans of time in which the thermal trip or the power limit held some device's clock down.

    Parameters
    ----------
    series : xarray.Dataset
        ``Results.series``. A point of time stands for the interval that ends there.
    join : float
        Spans with at most so much between them count as one [s].

    Returns
    -------
    list of (begin, end)
        In order, without overlap [s].
    """
    ends = np.asarray(series["time"])
    begins = np.concatenate([[0.0], ends[:-1]])
    held = (np.asarray(series["throttled"]).reshape(len(ends), -1) > 0).any(axis=1)
    spans: list[tuple[float, float]] = []
    for begin, end in zip(begins[held].tolist(), ends[held].tolist(), strict=True):
        if spans and begin <= spans[-1][1] + join:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((begin, end))
    return spans


def overview(results: Results) -> go.Figure:
    """Throughput, clock, temperature and power of one run on one axis of time, throttled spans shaded."""
    figure = compare({"": results})
    figure.update_layout(title=results.title)
    return figure


def compare(runs: dict[str, Results], *, smooth: float = 60.0, shade: str | None = None) -> go.Figure:
    """Several runs over the same axis of time, one colour each; a single run has a colour for each box and each model.

    Parameters
    ----------
    runs : dict
        Name to results.
    smooth : float
        Width of the running mean that throughput and power are drawn with [s]; steps are shorter than a pixel.
    shade : str, optional
        Name of the run whose throttled spans are shaded; the first if there is only one.

    Returns
    -------
    plotly.graph_objects.Figure
        Four panels; time in minutes.
    """
    figure = make_subplots(rows=len(PANELS), cols=1, shared_xaxes=True, vertical_spacing=0.035)
    for color, (name, results) in zip(_cycle(COLORS, len(runs)), runs.items(), strict=True):
        panels = [_lines(results.series, variable, factor, smooth) for variable, _, factor in PANELS]
        labels = list(dict.fromkeys(line.name for lines in panels for line in lines)) if max(map(len, panels)) > 1 else []
        color_of = dict(zip(labels, _cycle(COLORS, len(labels)), strict=True)) if len(runs) == 1 else {}
        shown: set[str] = set()
        for row, lines in enumerate(panels, start=1):
            for line, dash in zip(lines, _cycle(DASHES, len(lines)), strict=True):
                label = " ".join(filter(None, [name, line.name if labels else ""]))
                style = {"color": color_of.get(line.name, color), "width": 1.3, "dash": "solid" if color_of else dash}
                line.update(name=label or line.name, legendgroup=label, line=style, showlegend=bool(label) and label not in shown)
                shown.add(label)
                figure.add_trace(line, row=row, col=1)
    shaded = shade if shade is not None else next(iter(runs)) if len(runs) == 1 else None
    # A gap that is a pixel or two wide cannot be seen, and thousands of spans make a page slow.
    spans = [] if shaded is None else throttled_spans(runs[shaded].series, join=_end(runs[shaded]) / 400)
    for begin, end in spans:
        figure.add_vrect(x0=begin / 60, x1=end / 60, fillcolor=SHADE, line_width=0, layer="below")
    for row, (_, title, _) in enumerate(PANELS, start=1):
        figure.update_yaxes(title_text=title, row=row, col=1)
    figure.update_xaxes(title_text="time [min]", row=len(PANELS), col=1)
    figure.update_layout(template="plotly_white", height=720, margin={"t": 60, "r": 20}, hovermode="x unified")
    return figure


def _lines(series: xr.Dataset, variable: str, factor: float, smooth: float) -> list[go.Scatter]:
    values = series[variable]
    others = [dim for dim in values.dims if dim != "time"]
    columns = values.stack(line=others) if others else values.expand_dims(line=[variable])
    every = float(series["time"][1] - series["time"][0]) if series.sizes["time"] > 1 else 1.0
    width = max(1, round(smooth / every)) if variable in ("throughput", "power") else 1
    lines = []
    for name in columns["line"].values:
        y = columns.sel(line=name).to_series().rolling(width, min_periods=1, center=True).mean() * factor
        label = "/".join(map(str, name)) if isinstance(name, tuple) else str(name)
        lines.append(go.Scatter(x=np.asarray(series["time"]) / 60, y=y.to_numpy(), name=label, mode="lines"))
    return lines


def _end(results: Results) -> float:
    return float(results.series["time"][-1])


def _cycle(colors: list[str], count: int) -> list[str]:
    return [colors[i % len(colors)] for i in range(count)]
