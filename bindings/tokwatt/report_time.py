"""The part of a report that shows what happened over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import words
from .charts import Axis, Binned, Line, Panel, behind, binned, esc, table, timeline
from .plots import throttled_spans
from .report_page import paragraph
from .results import Results

# Variable of /series, title, unit shown, factor into it, whether the axis begins at zero.
_PANELS = [
    ("throughput", "Output", "tokens/s", 1.0, True),
    ("batch", "Requests running", "", 1.0, True),
    ("queue", "Requests waiting", "", 1.0, True),
    ("kv_used", "KV cache in use", "%", 100.0, True),
    ("temperature", "Die temperature", "°C", 1.0, False),
    ("clock", "Clock", "GHz", 1e-9, False),
    ("power", "Power at the wall", "W", 1.0, True),
]
_MOST_LINES = 6
_ROWS = 24
_MOST_EVENTS = 40


def growing_queues(results: Results) -> list[str]:
    """Deployments whose queue grew as long as requests came; the rule of limit_sentence.cpp."""
    series = results.series
    time = np.asarray(series["time"])
    try:
        arrivals = results.requests["arrival"].to_numpy()
    except KeyError:
        arrivals = np.array([])
    upto = time <= arrivals.max() if len(arrivals) else np.ones(len(time), bool)
    out = []
    for name in series["deployment"].values:
        queue = np.asarray(series["queue"].sel(deployment=name))[upto]
        third = len(queue) // 3
        if third and (last := queue[2 * third :].mean()) >= 8 and last > 1.25 * queue[third : 2 * third].mean():
            out.append(str(name))
    return out


def html(results: Results) -> str:
    """Panels on one axis of time, what happened, and the table behind them."""
    series = results.series
    time = np.asarray(series["time"])
    if len(time) < 2:
        return paragraph("The run is too short for a picture: record.every is as long as it.")
    return curves(results) + behind("The numbers", _table(series, time)) + _events(results)


def curves(results: Results) -> str:
    """The panels, and what their lines mean; a run of two intervals at least."""
    series = results.series
    time = np.asarray(series["time"])
    panels = [panel for spec in _PANELS if (panel := _panel(series, time, *spec))]
    axis = Axis(0.0, float(time[-1]))
    held = throttled_spans(series, join=axis.end / 400)
    label = f"{len(panels)} curves over {words.span(axis.end)}: " + "; ".join(_said(p) for p in panels)
    legend = f"Lines are means over {words.span(axis.end / len(panels[0].lines[0].values.ends))}"
    legend += "; the pale bands reach from the lowest to the highest value in them." if any(p.band for p in panels) else "."
    if held:
        legend += f" Shaded: heat or the power limit held the clock of a device down, on and off; {words.span(results.summary['throttled_s'])} of each in all."
    return f"<figure>{timeline(panels, axis, held, label=label)}<figcaption>{esc(legend)}</figcaption></figure>"


def _panel(series: Any, time: np.ndarray, variable: str, title: str, unit: str, factor: float, from_zero: bool) -> Panel | None:
    values = series[variable]
    across = values.dims[1]
    names = [str(n) for n in values[across].values]
    data = np.asarray(values, dtype=float) * factor
    notes = ""
    if len(names) > _MOST_LINES:
        data, names, notes = data.mean(axis=1, keepdims=True), [f"mean of {len(names)}"], f"mean of {len(names)} {across}s"
    if not np.isfinite(data).any() or (variable == "queue" and not data.any()):
        return None  # models that others host have no clock, and nobody waits
    lines = [Line(name, binned(time, data[:, i])) for i, name in enumerate(names)]
    return Panel(title, unit, lines, from_zero, notes or _spread(lines, unit), band=len(lines) == 1)


def _spread(lines: list[Line], unit: str) -> str:
    if len(lines) > 1:
        return ""
    b: Binned = lines[0].values
    if not np.isfinite(b.mean).any():
        return "no value"
    return f"{words.three(float(np.nanmin(b.low)))} to {words.three(float(np.nanmax(b.high)))}{words.SPACE}{unit}".strip()


def _said(panel: Panel) -> str:
    means = [f"{line.name + ' ' if len(panel.lines) > 1 else ''}mean {words.three(float(np.nanmean(line.values.mean)))}" for line in panel.lines if np.isfinite(line.values.mean).any()]
    return f"{panel.title}{' in ' + panel.unit if panel.unit else ''}: {', '.join(means)}"


def _table(series: Any, time: np.ndarray) -> str:
    columns, head = [], ["until"]
    for variable, title, unit, factor, _ in _PANELS:
        values = series[variable]
        names = [str(n) for n in values[values.dims[1]].values]
        for i, name in list(enumerate(names))[:_MOST_LINES]:
            if not np.isfinite(np.asarray(values[:, i], dtype=float)).any():
                continue  # of a hosted model
            columns.append(binned(time, np.asarray(values[:, i], dtype=float) * factor, _ROWS))
            head.append(f"{title}{', ' + name if len(names) > 1 else ''}{' [' + unit + ']' if unit else ''}")
    ends = columns[0].ends
    has_boxes = series.sizes.get("device", 0) > 0
    held = binned(time, np.asarray(series["throttled"], dtype=float).mean(axis=1), _ROWS) if has_boxes else None
    rows = []
    for i, end in enumerate(ends):
        throttled = [words.percent(float(held.mean[i]))] if held else []
        rows.append([words.span(float(end)), *(words.three(float(c.mean[i])) for c in columns), *throttled])
    return table([*head, "throttled"] if has_boxes else head, rows, caption="Means over spans of time")


def _events(results: Results) -> str:
    events = results.events
    if not len(events):
        return ""
    kinds = events["kind"].value_counts()
    counts = words.listed([f"{words.grouped(n)} × {kind}" for kind, n in kinds.items() if n])
    first = events.head(_MOST_EVENTS)
    rows = [[words.span(t), str(k), str(s), str(x)] for t, k, s, x in first[["time", "kind", "subject", "text"]].itertuples(index=False)]
    more = f"; the first {_MOST_EVENTS} of them" if len(events) > _MOST_EVENTS else ""
    return behind(f"What happened: {counts}", table(["at", "what", "to", ""], rows, caption=f"Events{more}", texts=4))
