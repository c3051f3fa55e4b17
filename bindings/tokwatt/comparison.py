"""One scenario on several boxes."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from . import _core, words
from .answer_tables import DRAWN, html_table, said
from .ask import AnyScenario, ask

if TYPE_CHECKING:
    import plotly.graph_objects as go

_LOSSES = ("failed", "rejected", "timed_out", "cancelled")  # said where a box has some
# What people compare first, with how it is called.
_ROWS = {
    "requests.completed": "requests completed",
    **{f"requests.{how}": f"requests {how.replace('_', ' ')}" for how in _LOSSES},
    "throughput_tok_s.output": "throughput, output",
    "ttft_s.p50": "first token, p50",
    "ttft_s.p95": "first token, p95",
    "tpot_s.p50": "per token, p50",
    "tpot_s.p95": "per token, p95",
    "e2e_s.p95": "whole request, p95",
    "power_w.wall.mean": "power at the wall",
    "energy_j.wall": "energy",
    "j_per_tok_output": "energy per token",
    "temperature_c.max": "die, highest",
    "throttled_s": "throttled",
    "cost_usd.total": "cost",
    "usd_per_mtok_output": "cost per million tokens",
    "plan.cost_usd.value": "plan, in all",
    "plan.usd_per_month": "plan, a month",
    "plan.usd_per_mtok_output": "plan, per million tokens",
}
_MANY = 9  # ten times as much: percentages say little then


class Comparison:
    """One scenario on several boxes; made by :func:`tokwatt.compare`.

    Attributes
    ----------
    boxes : pandas.DataFrame
        By box: ``engine``, ``status`` (``ok``, ``does not fit``, ``cannot be done``) and ``verdict``: what limits it, or why it does not run.
    table : pandas.DataFrame
        Every number of the summary, one column a box; NaN for boxes that do not run. Units are in ``attrs["units"]``.
    differences : pandas.DataFrame
        Columns (box, ``difference``) to the first box, as a fraction (temperatures: in K); with intervals also (box, ``low``) and (box, ``high``).
    interval90 : pandas.DataFrame or None
        Columns (box, ``low``) and (box, ``high``) of the numbers themselves.
    summaries : dict of str to dict
        The summary of each box that runs, as :attr:`Results.summary`.
    left_out : dict of str to list of str
        By box: keys of the scenario that it says of its own box (``prices.hardware``, ``systems.desk.mode``) and that were not carried over.
    api_usd : pandas.DataFrame
        What each API that was asked for would take for the tokens of each box that runs [USD]; one row an API.
    """

    def __init__(self, answers: list[dict[str, Any]]) -> None:
        self.api_usd = pd.DataFrame({a["system"]: a["api_usd"] for a in answers if "api_usd" in a}, dtype=float)
        self.left_out = {a["system"]: list(a["left_out"]) for a in answers if "left_out" in a}
        self.summaries = {a["system"]: a["summary"] for a in answers if "summary" in a}
        self.boxes = pd.DataFrame(
            {a["system"]: {"engine": a["engine"], "status": a["status"], "verdict": _verdict(a)} for a in answers},
        ).T.rename_axis("box")
        numbers = {box: _core.numbers_of(json.dumps(summary)) for box, summary in self.summaries.items()}
        self.table = pd.DataFrame(
            {a["system"]: {name: value for name, _, _, value in numbers.get(a["system"], [])} for a in answers}, dtype=float
        ).rename_axis(index="metric", columns="box")
        units = {name: unit for of_box in numbers.values() for name, unit, _, _ in of_box}
        self.table.attrs["units"] = units
        self.differences = self._differences(answers, units)
        ranges = {(a["system"], end): _ends(a["interval90"], i) for a in answers if "interval90" in a for i, end in enumerate(("low", "high"))}
        self.interval90 = pd.DataFrame(ranges).reindex(self.table.index) if ranges else None

    def _differences(self, answers: list[dict[str, Any]], units: Mapping[str, str]) -> pd.DataFrame:
        reference = self.table[answers[0]["system"]]
        is_temperature = np.array([units[name] == "degC" for name in self.table.index], dtype=bool)
        columns: dict[tuple[str, str], Any] = {}
        for a in answers[1:]:
            box = a["system"]
            of = self.table[box]
            columns[box, "difference"] = (of / reference.replace(0, np.nan) - 1).where(~is_temperature, of - reference)
            for i, end in enumerate(("low", "high") if "difference90" in a else ()):
                columns[box, end] = pd.Series(_ends(a["difference90"], i), dtype=float).reindex(self.table.index)
        names = pd.MultiIndex.from_tuples(columns, names=["box", "of"])
        return pd.DataFrame(columns, index=self.table.index, columns=names, dtype=float)

    def _difference_said(self, metric: str, box: str) -> str:
        if (box, "difference") not in self.differences:
            return ""
        of = self.differences.loc[metric, box]
        if not np.isfinite(of["difference"]):
            return ""
        if self.table.attrs["units"][metric] == "degC":
            say, before, after = "{:+.1f}".format, "", " K"
        elif of.max() >= _MANY:
            say, before, after = (lambda value: words.three(1 + value)), "× ", ""
        else:
            say, before, after = (lambda value: f"{100 * value:+.0f}"), "", " %"
        text = f"{before}{say(of['difference'])}{after}"
        if "low" in of and np.isfinite(of["low"]):
            text += f" ({say(of['low'])} to {say(of['high'])})"
        return text.replace(" ", words.SPACE)

    def _repr_html_(self) -> str:
        boxes = list(self.boxes.index)
        units = self.table.attrs["units"]
        head = ["", *(cell for i, box in enumerate(boxes) for cell in ([box] if i == 0 else [box, f"to {boxes[0]}"]))]
        rows = []
        losses = {f"requests.{how}" for how in _LOSSES}
        for metric in (m for m in _ROWS if m in self.table.index and (m not in losses or (self.table.loc[m] > 0).any())):
            row = [_ROWS[metric]]
            for i, box in enumerate(boxes):
                row.append(said(self.table.loc[metric, box], units[metric]))
                if i:
                    row.append(self._difference_said(metric, box))
            rows.append(row)
        for api, usd in self.api_usd.iterrows():
            row = [f"at {api}"]
            for i, box in enumerate(boxes):
                row += [said(usd.get(box, np.nan), "USD"), *([""] if i else [])]
            rows.append(row)
        verdicts = "".join(f"<li><b>{html.escape(box)}</b> ({html.escape(b.engine)}): {html.escape(b.verdict)}</li>" for box, b in self.boxes.iterrows())
        about = "" if self.interval90 is None else f"<p>In brackets: {DRAWN}</p>"
        keys = next(iter(self.left_out.values()), [])  # the same for each
        if keys:
            about += f"<p>The scenario says {html.escape(', '.join(keys))} of its own box; left out for {html.escape(', '.join(self.left_out))}.</p>"
        return f"{html_table(head, rows)}{about}<ul>{verdicts}</ul>"

    def __repr__(self) -> str:
        return f"<tokwatt.Comparison of {', '.join(self.boxes.index)}>"

    def plot(self, *metrics: str) -> go.Figure:
        """Each box's numbers as a multiple of the first box's, with their intervals where there are any.

        Parameters
        ----------
        *metrics : str
            Numbers of the summary; without them what people compare first.

        Raises
        ------
        ValueError
            The first box does not run: there is nothing to compare with.
        """
        from . import question_plots

        return question_plots.comparison(self, list(metrics) or [m for m in question_plots.COMPARED if m in self.table.index], _ROWS)


def _verdict(answer: Mapping[str, Any]) -> str:
    return _core.limit_sentence(json.dumps(answer["summary"])) if "summary" in answer else answer["reason"]


def _ends(ranges: Mapping[str, list[float]], end: int) -> dict[str, float]:
    return {name: ends[end] for name, ends in ranges.items()}


def compare(
    scenario: AnyScenario,
    *,
    systems: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    of: str = "",
    apis: Iterable[str | os.PathLike[str]] = (),
    set: Mapping[str, Any] | None = None,
    interval: bool = False,
) -> Comparison:
    """One scenario on several boxes, with the same seed; what ``tokwatt compare`` does.

    Where the scenario's engine does not run on a box, the first that does is taken, and named.

    Parameters
    ----------
    scenario : path, mapping or Scenario
        As for :func:`tokwatt.run`.
    systems : iterable of str or path
        Boxes by id, alias or path to a sheet. The others are compared with the first.
    of : str, optional
        Which of the scenario's systems they stand for; needed where it has several.
    apis : iterable of str or path, optional
        APIs to price the same tokens at, as on the day of the scenario.
    set : mapping, optional
        Changes before the scenario is checked, as for :func:`tokwatt.run`.
    interval : bool
        Differences with intervals of 90 %, from 16 draws from what is not known of engines and boxes; what they share is the same draw on
        each box. Takes 17 times as long.

    Returns
    -------
    Comparison
        ``boxes``, ``table``, ``differences``, ``summaries``; s, J, W, degC, USD.

    Raises
    ------
    InputError
        The scenario or the name of a box is wrong; a box on which it does not run is no error.
    """
    names = [systems] if isinstance(systems, str | os.PathLike) else list(systems)
    if not names:
        raise ValueError("systems is empty; expected boxes to compare, such as [\"spark\", \"m3-ultra-512\"]")
    boxes, priced = [os.fspath(name) for name in names], [os.fspath(name) for name in apis]
    if twice := [box for box in dict.fromkeys(boxes) if boxes.count(box) > 1]:
        raise ValueError(f"systems has {' and '.join(twice)} twice; expected other boxes beside the first")
    return Comparison(json.loads(ask(scenario, set, "compare", systems=boxes, of=of, apis=priced, interval=interval)))
