"""Pictures of studies: `points.tokwatt.plot()` of any dataset that a study left, in memory or in its file."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from . import words
from .plots import COLORS
from .report_study import long_name

_NOT_METRICS = ("status", "reason", "feasible")
_USUAL = ("ttft_s.p95", "tpot_s.p95", "throughput_tok_s.output", "power_w.wall.mean", "usd_per_mtok_output")
_MOST_PANELS = 4
_MOST_LINES = len(COLORS)
_HEIGHT = 250  # of a panel [px]
_TITLE = 24  # of a panel, in letters
# Units as people read them, and the factor into them.
_SHOWN = {"s": ("s", 1.0), "1e-6 USD/count": ("USD/Mtoken", 1.0), "J/count": ("J/token", 1.0), "count/s": ("tokens/s", 1.0), "degC": ("°C", 1.0), "Hz": ("GHz", 1e-9)}


@xr.register_dataset_accessor("tokwatt")
class StudyAccessor:
    """What tokwatt adds to a dataset of a study, as ``dataset.tokwatt``."""

    def __init__(self, points: xr.Dataset) -> None:
        self._points = points

    def plot(self, *metrics: str) -> go.Figure:
        """The picture that suits the axes: lines along a numeric one (a colour for each value of a second one), bars along one of names, a
        map over two numeric ones, the distribution of a sample. Points beyond a constraint are hollow, or crossed out on a map.

        Parameters
        ----------
        *metrics : str
            Variables of the dataset; without them the study's, up to four. A map shows one.

        Raises
        ------
        KeyError
            The dataset has no such variable.
        ValueError
            There are more than two axes: choose values of some first, with ``.sel()`` or ``.isel()``.
        """
        return picture(self._points, list(metrics))


def picture(points: xr.Dataset, metrics: Sequence[str]) -> go.Figure:
    """See :meth:`StudyAccessor.plot`."""
    if "status" not in points:
        raise ValueError("this dataset is of no study: it has no status")
    shown = _metrics(points, metrics)
    axes = [str(dim) for dim in points["status"].dims]
    if len(axes) > 2:
        raise ValueError(f"the study has {len(axes)} axes ({', '.join(axes)}); expected two at most: choose values of some with .sel() or .isel()")
    if axes == ["sample"]:
        figure = _distributions(points, shown)
    elif len(axes) == 2 and not _others(points, axes):
        figure = _map(points, shown[0], axes)
    else:
        along, other = _along(points, axes)
        figure = _lines(points, shown, along, other)
    return figure.update_layout(template="plotly_white", title=points.attrs.get("title", ""), margin={"t": 60, "r": 20})


def _metrics(points: xr.Dataset, asked: Sequence[str]) -> list[str]:
    there = [str(name) for name in points.data_vars if name not in _NOT_METRICS]
    for name in asked:
        if name not in there:
            raise KeyError(f"the study has no metric {name!r}; it has {', '.join(there)}")
    usual = [name for name in there if name in _USUAL] if len(there) > _MOST_PANELS else []
    return list(asked) or (usual or there)[:_MOST_PANELS]


def _is_numeric(points: xr.Dataset, axis: str) -> bool:
    return axis in points.coords and points[axis].dtype.kind in "iuf"


def _others(points: xr.Dataset, axes: Sequence[str]) -> list[str]:
    """The axes whose values can be colours."""
    return [axis for axis in axes if not _is_numeric(points, axis) or points.sizes[axis] <= 3]


def _along(points: xr.Dataset, axes: Sequence[str]) -> tuple[str, str | None]:
    """The axis along the bottom, and the one of the colours."""
    if len(axes) == 1:
        return axes[0], None
    names = [axis for axis in axes if not _is_numeric(points, axis)]
    other = names[0] if names else min(_others(points, axes), key=lambda axis: points.sizes[axis])
    if points.sizes[other] > _MOST_LINES:
        raise ValueError(f"{other} has {points.sizes[other]} values; expected {_MOST_LINES} at most: choose some with .sel() or .isel()")
    return next(axis for axis in axes if axis != other), other


def _shown(variable: xr.DataArray) -> tuple[np.ndarray, str]:
    """The values in the unit that is shown, and the title with it."""
    units = str(variable.attrs.get("units", ""))
    unit, factor = _SHOWN.get(units, (units if units != "1" else "", 1.0))
    long = "<br>".join(textwrap.wrap(long_name(variable).replace(" %", words.SPACE + "%"), _TITLE))
    return np.asarray(variable, dtype=float) * factor, f"{long}<br>[{unit}]" if unit else long


def _good(points: xr.Dataset) -> xr.DataArray:
    """Within every constraint; where there are none, points that run."""
    return points["feasible"] == 1 if "feasible" in points else points["status"] == 0


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _axis_title(points: xr.Dataset, axis: str) -> str:
    unit = str(points[axis].attrs.get("units", "")) if axis in points.coords else ""
    return f"{axis} [{unit}]" if unit and unit != "1" else axis


def _lines(points: xr.Dataset, metrics: Sequence[str], along: str, other: str | None) -> go.Figure:
    figure = make_subplots(rows=len(metrics), cols=1, shared_xaxes=True, vertical_spacing=0.06)
    parts = [("", points)] if other is None else [(_value(points[other].values[i]), points.isel({other: i})) for i in range(points.sizes[other])]
    for row, metric in enumerate(metrics, start=1):
        for color, (name, part) in zip(COLORS, parts, strict=False):
            values, title = _shown(part[metric])
            x = part[along].values if along in part.coords else np.arange(len(values))
            good = np.asarray(_good(part))
            look = {"name": name, "legendgroup": name, "showlegend": bool(name) and row == 1}
            if _is_numeric(points, along):
                marker = {"color": np.where(good, color, "white"), "line": {"color": color, "width": 1.5}, "size": 8}
                figure.add_scatter(x=x, y=values, mode="lines+markers", line_color=color, marker=marker, row=row, col=1, **look)
            else:
                figure.add_bar(x=x, y=values, marker={"color": color, "opacity": np.where(good, 1.0, 0.3)}, row=row, col=1, **look)
            figure.update_yaxes(title_text=title, rangemode="tozero", row=row, col=1)
    figure.update_xaxes(title_text=_axis_title(points, along), row=len(metrics), col=1)
    return figure.update_layout(height=120 + _HEIGHT * len(metrics), legend_title=other)


def _map(points: xr.Dataset, metric: str, axes: Sequence[str]) -> go.Figure:
    down, across = axes
    values, title = _shown(points[metric])
    figure = go.Figure(go.Heatmap(x=points[across].values, y=points[down].values, z=values, colorscale="Viridis", colorbar={"title": title}))
    bad = np.argwhere(~np.asarray(_good(points)))
    figure.add_scatter(
        x=points[across].values[bad[:, 1]], y=points[down].values[bad[:, 0]], mode="markers", name="beyond a constraint, or does not run",
        marker={"symbol": "x-thin", "size": 9, "line": {"width": 2, "color": "#D55E00"}},
    )  # fmt: skip
    figure.update_xaxes(title=_axis_title(points, across))
    figure.update_yaxes(title=_axis_title(points, down))
    return figure.update_layout(height=480, legend={"orientation": "h", "y": 1.08})


def _distributions(points: xr.Dataset, metrics: Sequence[str]) -> go.Figure:
    figure = make_subplots(rows=len(metrics), cols=1, vertical_spacing=0.35 / len(metrics))
    for row, metric in enumerate(metrics, start=1):
        values, title = _shown(points[metric])
        figure.add_histogram(x=values, marker_color=COLORS[0], showlegend=False, row=row, col=1)
        figure.update_xaxes(title_text=title.replace("<br>", " "), row=row, col=1)
        figure.update_yaxes(title_text="draws", row=row, col=1)
    return figure.update_layout(height=120 + _HEIGHT * len(metrics), bargap=0.05)
