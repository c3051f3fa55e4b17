"""Pictures of comparisons and capacities (plotly)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from .plots import COLORS, SHADE

if TYPE_CHECKING:
    from .capacities import Capacity
    from .comparison import Comparison

COMPARED = ("throughput_tok_s.output", "ttft_s.p95", "tpot_s.p95", "e2e_s.p95", "power_w.wall.mean", "j_per_tok_output", "usd_per_mtok_output")


def comparison(compared: Comparison, metrics: Sequence[str], titles: Mapping[str, str]) -> go.Figure:
    """Multiples of the first box, on a logarithmic axis: twice and half are equally far from one."""
    first, *others = list(compared.boxes.index)
    if compared.boxes.loc[first, "status"] != "ok":
        raise ValueError(f"{first} does not run the scenario, so nothing can be compared with it: {compared.boxes.loc[first, 'verdict']}")
    figure = go.Figure()
    differences = compared.differences
    for color, box in zip(COLORS[1:], others, strict=False):
        if compared.boxes.loc[box, "status"] != "ok":
            continue
        times = 1 + differences.loc[list(metrics), (box, "difference")]
        error = None
        if (box, "low") in differences:
            low, high = (1 + differences.loc[list(metrics), (box, end)] for end in ("low", "high"))
            error = {"type": "data", "symmetric": False, "array": high - times, "arrayminus": times - low}
        figure.add_scatter(
            x=times, y=[titles.get(m, m) for m in metrics], name=box, mode="markers", marker={"color": color, "size": 11}, error_x=error
        )  # fmt: skip
    figure.add_vline(x=1, line_dash="dot")
    figure.update_xaxes(type="log", title=f"times {first}", tickvals=[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100])
    figure.update_yaxes(autorange="reversed")
    return figure.update_layout(template="plotly_white", height=120 + 44 * len(metrics), margin={"t": 30, "r": 20}, showlegend=True)


def capacity(found: Capacity) -> go.Figure:
    """A panel for each objective."""
    names = list(found.bounds)
    figure = make_subplots(rows=len(names), cols=1, shared_xaxes=True, vertical_spacing=0.08)
    tried = found.tried
    for row, name in enumerate(names, start=1):
        unit = tried.attrs["units"][name]
        marker = {"color": np.where(tried["within"], COLORS[0], "white"), "line": {"color": COLORS[0], "width": 1.5}, "size": 9}
        figure.add_scatter(x=tried.index, y=tried[name], mode="lines+markers", line_color=COLORS[0], marker=marker, showlegend=False, row=row, col=1)
        figure.add_hline(y=found.bounds[name], line_dash="dot", line_color=COLORS[1], row=row, col=1)
        figure.update_yaxes(title_text=f"{name}<br>[{unit}]", rangemode="tozero", row=row, col=1)
        if found.interval90:
            figure.add_vrect(x0=found.interval90[0], x1=found.interval90[1], fillcolor=SHADE, line_width=0, layer="below", row=row, col=1)
    figure.update_xaxes(title_text=found.key.rpartition(".")[2], row=len(names), col=1)
    return figure.update_layout(template="plotly_white", height=120 + 220 * len(names), margin={"t": 30, "r": 20})
