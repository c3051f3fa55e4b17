"""The report of a study: what the answers are at each of its points, and which points are within its constraints."""

from __future__ import annotations

import itertools
import math
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray as xr

from . import asked, words
from .charts import behind, esc, table
from .report_page import Section, page, paragraph
from .saved_study import SavedStudy

_NOT_METRICS = ("status", "reason", "feasible")
_USUAL = ("ttft_s.p95", "tpot_s.p95", "throughput_tok_s.output", "power_w.wall.mean", "usd_per_mtok_output")  # as the program shows them
_STATISTICS = {": p50": ", median", ": p90": ", 90 %", ": p95": ", 95 %", ": p99": ", 99 %", ": max": ", highest", ": min": ", lowest", ": mean": ", mean"}
_MOST_CELLS = 1_500  # of one map; beyond, a page is no place for them
_SAID: dict[str, Callable[[float], str]] = {
    "s": words.duration,
    "degC": words.celsius,
    "W": words.watts,
    "J": words.energy,
    "Hz": words.clock,
    "USD": words.usd,
    "J/count": lambda v: f"{words.three(v)}{words.SPACE}J/token",
    "count/s": lambda v: f"{words.three(v)}{words.SPACE}tokens/s",
    "1e-6 USD/count": lambda v: f"{words.three(v)}{words.SPACE}USD/Mtoken",
}


def html(path: str) -> str:
    """The page."""
    study = SavedStudy(path)
    points = study.points
    text = asked.tree(study.texts["study"])
    constraints = [c for c in text.get("constraints", []) if isinstance(c, str)] if isinstance(text.get("constraints"), list) else []
    metrics = [str(name) for name in points.data_vars if name not in _NOT_METRICS]
    if "metrics" not in text:
        metrics = [name for name in metrics if name in _USUAL]
    axes = list(points.sizes)
    if len(axes) == 1:
        sections = [Section("points", "The points", _list(points, metrics, axes[0]))]
    else:
        sections = [Section(f"m{n}", _title(points[m]), _metric(points, m, axes)) for n, m in enumerate(metrics)]
    sections += [Section("not", "Points that did not run", refused)] if (refused := _refused(points)) else []
    sections.append(Section("again", "The same again", _again(study)))
    return page(
        title=study.title or "Untitled study",
        question=f"What becomes of {words.listed([long_name(points[m]) for m in metrics])} as {words.listed(axes)} {'change' if len(axes) > 1 else 'changes'}?",
        answer=_answer(points, axes, constraints),
        below=paragraph(f"Within the constraints means {words.listed(constraints)}.", "soft") if constraints else "",
        sections=sections,
        about="A study by tokwatt, of speed, energy, heat and money. It says nothing about the quality of answers.",
    )


def long_name(variable: xr.DataArray) -> str:
    """What a metric is, in words: "first token, 95 %"."""
    long = str(variable.attrs.get("long_name", variable.name))
    for written, shown in _STATISTICS.items():
        long = long.removesuffix(written) + shown if long.endswith(written) else long
    return long


def _title(variable: xr.DataArray) -> str:
    long = long_name(variable)
    return long[:1].upper() + long[1:]


def _say(variable: xr.DataArray) -> Callable[[float], str]:
    say = _SAID.get(variable.attrs.get("units", ""), words.three)
    return lambda value: say(value) if math.isfinite(value) else "–"


def _coordinate(points: xr.Dataset, axis: str, index: int) -> str:
    """A value of an axis, with whatever changes along it."""
    along = [points[name] for name in points.coords if points[name].dims == (axis,)]
    return ", ".join(_value(c, c.values[index], len(along) > 1) for c in along)


def _value(coordinate: xr.DataArray, value: Any, named: bool) -> str:
    unit = coordinate.attrs.get("units", "")
    text = str(value) if coordinate.dtype == object else f"{float(value):.6g}"
    text += f"{words.SPACE}{'°C' if unit == 'degC' else unit}" if unit not in ("", "1") else ""
    return f"{coordinate.name} {text}" if named else text


def _answer(points: xr.Dataset, axes: list[str], constraints: list[str]) -> str:
    count = points["status"].size
    ran = int((points["status"] == 0).sum())
    if not constraints or "feasible" not in points:
        return f"{words.grouped(ran)} of the {words.grouped(count)} points ran." if count else "The study has no points."
    good = points["feasible"].values.astype(bool)
    said = f"{words.grouped(int(good.sum()))} of the {words.grouped(count)} points run within the constraints"
    if alike := _alike(points, axes, good):
        return f"{said}: those with {alike}."
    last = axes[-1]
    values = points[last].values
    if not good.any() or points[last].dtype == object or len(values) < 2:
        return said + "."
    limits = _limits(good, values)
    if limits is None:
        return f"{said}; within them is no simple range of {last}."
    highest = [(limit, where) for where, limit in limits if limit is not None]
    most, least = max(highest, key=lambda p: p[0]), min(highest, key=lambda p: p[0])
    where = [_where(points, axes[:-1], place) for _, place in (least, most)]
    never = "" if len(highest) == len(limits) else f", and none at {len(limits) - len(highest)} of the {len(limits)} values of {words.listed(axes[:-1])}"
    top = _value(points[last], most[0], False)
    if most[0] == least[0]:
        everywhere = " everywhere" if len(highest) == len(limits) > 1 else ""
        return f"{said}: {last} up to {top}{everywhere}{never}."
    return f"{said}: {last} up to {_value(points[last], least[0], False)} at {where[0]}, up to {top} at {where[1]}{never}."


def _alike(points: xr.Dataset, axes: list[str], good: np.ndarray) -> str:
    """The names along axes with which all points are good, and no other is; empty where it is not as simple, or no axis has names."""
    kept = {axis: good.any(axis=tuple(j for j in range(good.ndim) if j != i)) for i, axis in enumerate(axes)}
    chosen = {axis: which for axis, which in kept.items() if not which.all()}
    if not chosen or any(points[axis].dtype != object for axis in chosen):
        return ""
    if int(good.sum()) != math.prod(int(which.sum()) for which in kept.values()):
        return ""
    return words.listed([f"{axis} {' or '.join(_coordinate(points, axis, int(k)) for k in np.flatnonzero(which))}" for axis, which in chosen.items()])


def _limits(good: np.ndarray, values: np.ndarray) -> list[tuple[tuple[int, ...], float | None]] | None:
    """For each place of the other axes the largest value of the last up to which all points are good; None where good ones come after."""
    order = np.argsort(values, kind="stable")
    out: list[tuple[tuple[int, ...], float | None]] = []
    for place in np.ndindex(good.shape[:-1]):
        row = good[place][order]
        first_bad = len(row) if row.all() else int(np.argmin(row))
        if row[first_bad:].any():
            return None
        out.append((place, float(values[order][first_bad - 1]) if first_bad else None))
    return out


def _where(points: xr.Dataset, axes: list[str], place: tuple[int, ...]) -> str:
    return ", ".join(f"{axis} {_coordinate(points, axis, index)}" for axis, index in zip(axes, place, strict=True)) or "every point"


def _metric(points: xr.Dataset, metric: str, axes: list[str]) -> str:
    """Maps of a metric over the last two axes, one for each value of the others."""
    variable = points[metric]
    values = np.asarray(variable, dtype=float)
    say = _say(variable)
    finite = values[np.isfinite(values)]
    if not len(finite):
        return paragraph("No point has a value.")
    lowest, highest = _place(points, axes, values, np.nanargmin(values)), _place(points, axes, values, np.nanargmax(values))
    body = paragraph(f"From {say(float(finite.min()))} ({lowest}) to {say(float(finite.max()))} ({highest}).")
    if values.size > _MOST_CELLS:
        return body + paragraph(f"The {words.grouped(values.size)} points are in the file: xarray.open_dataset shows them.", "soft")
    down, across = axes[-2:]
    for place in itertools.product(*(range(points.sizes[a]) for a in axes[:-2])):
        part = values[place]
        good = points["feasible"].values[place] if "feasible" in points else np.ones(part.shape, int)
        caption = f"{_title(variable)}, by {down} (down) and {across} (across)"
        caption += f", at {_where(points, axes[:-2], place)}" if place else ""
        names = [_coordinate(points, down, i) for i in range(len(part))]
        body += _map(part, good, say, caption, names, [_coordinate(points, across, i) for i in range(part.shape[1])], (float(finite.min()), float(finite.max())), across)
    if "feasible" in points and not points["feasible"].values.all():
        body += paragraph("Struck through: beyond a constraint, or did not run.", "soft")
    return body


def _list(points: xr.Dataset, metrics: list[str], axis: str) -> str:
    """Along one axis: a line for each point, a column for each metric, each the deeper the larger its number is."""
    size = points.sizes[axis]
    if size * len(metrics) > _MOST_CELLS:
        return paragraph(f"The {words.grouped(size)} points are in the file: xarray.open_dataset shows them.", "soft")
    good = points["feasible"].values if "feasible" in points else np.ones(size, int)
    columns = []
    for metric in metrics:
        values = np.asarray(points[metric], dtype=float)
        finite = values[np.isfinite(values)]
        bounds = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
        columns.append(list(_cells(values, good, _say(points[metric]), bounds)))
    head = "".join(f"<th scope=col class=n>{esc(_title(points[m]))}</th>" for m in metrics)
    rows = "".join(f"<tr><th scope=row>{esc(_coordinate(points, axis, i))}</th>{''.join(c[i] for c in columns)}</tr>" for i in range(size))
    body = f"<div class=scroll tabindex=0 role=region aria-label='The points'><table class=map><thead><tr><th scope=col>{esc(axis)}</th>{head}</tr></thead>"
    body += f"<tbody>{rows}</tbody></table></div>"
    return body + ("" if good.all() else paragraph("Struck through: beyond a constraint, or did not run.", "soft"))


def _place(points: xr.Dataset, axes: list[str], values: np.ndarray, flat: np.intp) -> str:
    return _where(points, axes, tuple(int(i) for i in np.unravel_index(flat, values.shape)))


def _map(
    part: np.ndarray, good: np.ndarray, say: Callable[[float], str], caption: str, down: list[str], across: list[str], bounds: tuple[float, float], name: str
) -> str:  # fmt: skip
    """A table whose cells are the deeper the larger their number is; it is its own text alternative."""
    head = "".join(f"<th scope=col class=n>{esc(a)}</th>" for a in across)
    rows = "".join(f"<tr><th scope=row>{esc(d)}</th>{''.join(_cells(part[i], good[i], say, bounds))}</tr>" for i, d in enumerate(down))
    return (
        f"<p class=caption aria-hidden=true>{esc(caption)}</p><div class=scroll tabindex=0 role=region aria-label='{esc(caption)}'>"
        f"<table class=map><thead><tr><th scope=col>{esc(name)}</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _cells(row: np.ndarray, good: np.ndarray, say: Callable[[float], str], bounds: tuple[float, float]) -> Iterator[str]:
    low, high = bounds
    for value, fine in zip(row, good, strict=True):
        depth = round(55 * (value - low) / (high - low)) if math.isfinite(value) and high > low else 0
        text = esc(say(float(value)))
        yield f"<td class=n style='--d:{depth}%'>{text if fine else f'<s>{text}</s>'}</td>"


def _refused(points: xr.Dataset) -> str:
    axes = list(points.sizes)
    meanings = points["status"].attrs["flag_meanings"].split()
    status = points["status"].values
    reasons = points["reason"].values if "reason" in points else np.full(status.shape, "", object)
    places = [tuple(int(i) for i in place) for place in np.argwhere(status != 0)]
    if not places:
        return ""
    shown = places[:100]
    rows = [[_where(points, axes, place), meanings[status[place]].replace("_", " "), str(reasons[place])] for place in shown]
    more = f"; the first {len(shown)} of {words.grouped(len(places))}" if len(shown) < len(places) else ""
    return table(["point", "what became of it", "why"], rows, caption=f"Points that did not run{more}", texts=3)


def _again(study: SavedStudy) -> str:
    body = paragraph("Equal study, scenario, version and platform give equal bytes, on any number of cores.")
    sets = "".join(f" --set {shlex.quote(line)}" for line in study.texts.get("set", "").splitlines())
    body += f"<pre tabindex=0>tokwatt study STUDY -o out.h5{esc(sets)}</pre>"
    body += behind("The study", f"<pre tabindex=0>{esc(study.texts['study'])}</pre>")
    body += behind("Its base scenario", f"<pre tabindex=0>{esc(study.texts.get('scenario', ''))}</pre>")
    rows = [["version of tokwatt", study.version], *([name, digest] for name, digest in study.hashes.items())]
    return body + behind("Version and SHA-256 of every text used", table(["", ""], rows, caption="What went in", texts=2))
