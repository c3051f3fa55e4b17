"""Charts of a report: SVG that stretches to the page, its labels as text of the page, so that both stay sharp on a phone.

Each chart is a picture to a screen reader, which reads its description; the numbers stand in a table behind it.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

BINS = 300  # columns of a line: more than a phone has pixels for, few enough for a small page


def esc(text: object) -> str:
    return html.escape(str(text))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str, texts: int = 1) -> str:
    """A table that scrolls within the page where it is too wide; all but the first `texts` columns are numbers."""
    top = "".join(f"<th scope='col'{'' if i < texts else ' class=n'}>{esc(h)}</th>" for i, h in enumerate(head))
    body = "".join(
        "<tr>"
        + "".join(
            f"<th scope='row'>{esc(cell)}</th>" if i == 0 else f"<td{'' if i < texts else ' class=n'}>{esc(cell)}</td>"
            for i, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f"<p class=caption aria-hidden=true>{esc(caption)}</p>"
        f"<div class=scroll tabindex=0 role=region aria-label='{esc(caption)}'><table>"
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def behind(summary: str, content: str) -> str:
    """What can be unfolded."""
    return f"<details><summary>{esc(summary)}</summary>{content}</details>"


@dataclass
class Binned:
    """A column over time in so many spans: mean, least and most of each."""

    ends: np.ndarray  # [s]
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def binned(time: np.ndarray, values: np.ndarray, bins: int = BINS) -> Binned:
    """Means, least and most over `bins` spans of equally many points; NaN counts for nothing."""
    edges = np.linspace(0, len(time), min(bins, len(time)) + 1).astype(int)
    parts = [values[a:b][np.isfinite(values[a:b])] for a, b in zip(edges[:-1], edges[1:], strict=True)]

    def of(function: object) -> np.ndarray:
        return np.array([function(part) if len(part) else np.nan for part in parts])  # type: ignore[operator]

    return Binned(time[edges[1:] - 1] if len(time) else time, of(np.mean), of(np.min), of(np.max))


def ticks(low: float, high: float, count: int = 3) -> list[float]:
    """Round numbers from low to high."""
    if not high > low:
        return [low]
    rough = (high - low) / count
    step = 10 ** math.floor(math.log10(rough))
    step *= next(m for m in (1, 2, 2.5, 5, 10) if m * step >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def tick_text(value: float) -> str:
    return f"{value:,.10g}" if abs(value) < 1e6 else f"{value:.3g}"


@dataclass
class Line:
    name: str
    values: Binned


@dataclass
class Panel:
    """One quantity over time."""

    title: str
    unit: str
    lines: list[Line]
    from_zero: bool = True
    notes: str = ""
    band: bool = True
    tall: bool = False

    def range(self) -> tuple[float, float]:
        drawn = [part for line in self.lines for part in ([line.values.low, line.values.high] if self.band else [line.values.mean])]
        finite = np.concatenate([part[np.isfinite(part)] for part in drawn]) if drawn else np.array([])
        if not len(finite):
            return 0.0, 1.0
        low, high = float(finite.min()), float(finite.max())
        low = min(low, 0.0) if self.from_zero else low
        room = (high - low) * 0.06 or abs(high) * 0.05 or 1.0
        return (low if self.from_zero else low - room), high + room


@dataclass
class Axis:
    """Time along the bottom."""

    begin: float
    end: float
    marks: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        size, unit = next((s, u) for s, u in ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s")) if self.end - self.begin >= 2 * s or s == 1.0)
        self.marks = [(t * size, f"{tick_text(t)}\N{NO-BREAK SPACE}{unit}") for t in ticks(self.begin / size, self.end / size, 6)]

    def at(self, time: float) -> float:
        """Place in percent."""
        return 100 * (time - self.begin) / ((self.end - self.begin) or 1)


def timeline(panels: Sequence[Panel], axis: Axis, shaded: Sequence[tuple[float, float]], *, label: str) -> str:
    """Panels above each other on one axis of time; spans shaded in all of them."""
    body = "".join(_panel(panel, axis, shaded) for panel in panels)
    below = "".join(f"<span style='left:{axis.at(t):.2f}%'>{esc(text)}</span>" for t, text in axis.marks)
    return f"<div class=timeline role=img aria-label='{esc(label)}'>{body}<div class=below aria-hidden=true>{below}</div></div>"


def _panel(panel: Panel, axis: Axis, shaded: Sequence[tuple[float, float]]) -> str:
    low, high = panel.range()

    def y(value: float) -> float:
        return 100 * (1 - (value - low) / (high - low))

    shapes = "".join(
        f"<rect class=held x={axis.at(a):.2f} y=0 width={max(axis.at(b) - axis.at(a), 0.15):.2f} height=100 />" for a, b in shaded
    )
    marks = ticks(low, high)
    shapes += "".join(f"<path class=grid d='M0 {y(m):.2f}H100'/>" for m in marks)
    for index, line in enumerate(panel.lines):
        x = [axis.at(t) for t in line.values.ends]
        if panel.band:
            shapes += _area(x, [y(v) for v in line.values.low], [y(v) for v in line.values.high], index)
        shapes += f"<path class='line c{index % 6}' d='{_path(x, [y(v) for v in line.values.mean])}'/>"
    labels = "".join(f"<span style='top:{y(m):.2f}%'>{esc(tick_text(m))}</span>" for m in marks)
    unit = f" <span class=unit>{esc(panel.unit)}</span>" if panel.unit else ""
    names = "".join(f"<span class='key c{i % 6}'>{esc(line.name)}</span>" for i, line in enumerate(panel.lines)) if len(panel.lines) > 1 else ""
    notes = f"<span class=notes>{esc(panel.notes)}</span>" if panel.notes else ""
    return (
        f"<div class=panel><p class=head aria-hidden=true><b>{esc(panel.title)}</b>{unit}{names}{notes}</p>"
        f"<div class='plot{' tall' if panel.tall else ''}' aria-hidden=true><svg viewBox='0 0 100 100' preserveAspectRatio=none>{shapes}</svg>"
        f"<div class=side>{labels}</div></div></div>"
    )


def _path(x: Sequence[float], y: Sequence[float]) -> str:
    out, pen = [], "M"
    for a, b in zip(x, y, strict=True):
        if not math.isfinite(b):
            pen = "M"
            continue
        out.append(f"{pen}{a:.2f} {b:.1f}")
        pen = "L"
    return "".join(out)


def _area(x: Sequence[float], low: Sequence[float], high: Sequence[float], index: int) -> str:
    points = [(a, b, c) for a, b, c in zip(x, low, high, strict=True) if math.isfinite(b)]
    if not points:
        return ""
    up = "L".join(f"{a:.2f} {c:.1f}" for a, _, c in points)
    down = "L".join(f"{a:.2f} {b:.1f}" for a, b, _ in reversed(points))
    return f"<path class='band c{index % 6}' d='M{up}L{down}Z'/>"


@dataclass
class Share:
    name: str
    fraction: float
    text: str


def shares(parts: Sequence[Share], *, label: str) -> str:
    """Parts of a whole as one bar, with their names and numbers below."""
    shown = [(i, p) for i, p in enumerate(parts) if p.fraction > 0]
    bar = "".join(f"<span class='c{i % 6}' style='flex:{p.fraction:.5f} 0 0'></span>" for i, p in shown)
    names = "".join(f"<li><span class='key c{i % 6}'>{esc(p.name)}</span> <span class=n>{esc(p.text)}</span></li>" for i, p in shown)
    return f"<div class=shares role=img aria-label='{esc(label)}'><div class=bar>{bar}</div></div><ul class=keys>{names}</ul>"


def ladder(rows: Sequence[tuple[str, dict[str, float]]], text: object, *, label: str) -> str:
    """Latencies on one logarithmic axis: median to 95 % as a bar, on to 99 % as a line, the worst as a dot."""
    values = [v for _, row in rows for v in row.values() if v > 0]
    if not values:
        return ""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)

    def x(value: float) -> float:
        return 100 * (math.log10(max(value, 10.0**low)) - low) / (high - low)

    marks = range(low, high + 1)
    grid = "".join(f"<span class=tick style='left:{x(10.0**m):.2f}%'></span>" for m in marks)
    body = ""
    for name, row in rows:
        body += (
            f"<div class=rung><span class=name>{esc(name)}</span><span class=track>{grid}"
            f"<span class=thin style='left:{x(row['p95']):.2f}%;right:{100 - x(row['p99']):.2f}%'></span>"
            f"<span class=thick style='left:{x(row['p50']):.2f}%;right:{100 - x(row['p95']):.2f}%'></span>"
            f"<span class=dot style='left:{x(row['max']):.2f}%'></span></span></div>"
        )
    below = "".join(f"<span style='left:{x(10.0**m):.2f}%'>{esc(text(10.0**m))}</span>" for m in marks)  # type: ignore[operator]
    return (
        f"<div class=ladder role=img aria-label='{esc(label)}'><div aria-hidden=true>{body}"
        f"<div class=rung><span class=name></span><span class='track axis'>{below}</span></div></div></div>"
    )
