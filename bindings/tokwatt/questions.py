"""Questions about a scenario: compare, capacity, sensitivity; and explain, about a run."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from . import _core, values, words
from .results import Results
from .saved import open_results
from .scenario import Scenario

if TYPE_CHECKING:
    import plotly.graph_objects as go

AnyScenario = str | os.PathLike[str] | Mapping[str, Any] | Scenario

# What people compare first, with how it is called.
_ROWS = {
    "requests.completed": "requests completed",
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
_SAID = {"s": words.duration, "W": words.watts, "J": words.energy, "USD": words.usd, "degC": words.celsius, "Hz": words.clock, "count": words.grouped}
_UNIT = {"count/s": "tokens/s", "J/count": "J/token", "1e-6 USD/count": "USD", "1": ""}


def _question(scenario: AnyScenario, set: Mapping[str, Any] | None) -> _core.Question:
    changes = dict(set or {})
    if isinstance(scenario, Scenario):
        changes = {**scenario._set, **changes}
        scenario = scenario._source
    sets = values.sets(changes)
    if isinstance(scenario, Mapping):
        return _core.Question.of_text("scenario", values.document(scenario), folder=os.getcwd(), sets=sets)
    return _core.Question.of_file(os.fspath(scenario), sets=sets)


def _say(value: float, units: str) -> str:
    if not np.isfinite(value):
        return "–"
    if units in _SAID:
        return _SAID[units](value)
    unit = _UNIT.get(units, units)
    return f"{words.three(value)}{words.SPACE}{unit}" if unit else words.three(value)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    left = "style='text-align:left'"
    top = "".join(f"<th {left}>{html.escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<th {left}>{html.escape(c)}</th>" if i == 0 else f"<td>{html.escape(c)}</td>" for i, c in enumerate(row)) + "</tr>" for row in rows
    )
    return f"<div style='overflow-x:auto'><table><tr>{top}</tr>{body}</table></div>"


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
    api_usd : pandas.DataFrame
        What each API that was asked for would take for the tokens of each box that runs [USD]; one row an API.
    """

    def __init__(self, answers: list[dict[str, Any]]) -> None:
        self.api_usd = pd.DataFrame({a["system"]: a["api_usd"] for a in answers if "api_usd" in a}, dtype=float)
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
        for metric in (m for m in _ROWS if m in self.table.index):
            row = [_ROWS[metric]]
            for i, box in enumerate(boxes):
                row.append(_say(self.table.loc[metric, box], units[metric]))
                if i:
                    row.append(self._difference_said(metric, box))
            rows.append(row)
        for api, usd in self.api_usd.iterrows():
            row = [f"at {api}"]
            for i, box in enumerate(boxes):
                row += [_say(usd.get(box, np.nan), "USD"), *([""] if i else [])]
            rows.append(row)
        verdicts = "".join(f"<li><b>{html.escape(box)}</b> ({html.escape(b.engine)}): {html.escape(b.verdict)}</li>" for box, b in self.boxes.iterrows())
        about = "" if self.interval90 is None else f"<p>In brackets: {_DRAWN}</p>"
        return f"{_table(head, rows)}{about}<ul>{verdicts}</ul>"

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


_DRAWN = "5 to 95 % over draws from what is not known of engines and boxes."


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
    answers = _question(scenario, set).compare(systems=[os.fspath(name) for name in names], of=of, apis=[os.fspath(name) for name in apis], interval=interval)
    return Comparison(json.loads(answers))


class Capacity:
    """How much load a scenario bears within objectives; made by :func:`tokwatt.capacity`.

    Attributes
    ----------
    key : str
        What grew: ``workload.0.users``, a rate [1/s], or the speed of a trace.
    within : float or None
        The largest load found that keeps the objectives; None: not even the least does.
    beyond : float or None
        The smallest found that does not; None: even the most does.
    interval90 : tuple of float or None
        5 to 95 % of `within` over the draws.
    tried : pandas.DataFrame
        By load: the numbers of the objectives (units in ``attrs["units"]``), ``within``, and what is ``broken``.
    bounds : dict of str to float
        The bound of each objective, by its number, in that number's units.
    summaries : dict of float to dict
        The summary at each load that runs, as :attr:`Results.summary`.
    limit : str
        What limits it at `within`, in a sentence.
    """

    def __init__(self, answer: dict[str, Any], slo: str) -> None:
        self.slo = slo
        self.key: str = answer["key"]
        self.within: float | None = answer["within"]
        self.beyond: float | None = answer["beyond"]
        self.interval90: tuple[float, float] | None = tuple(answer["interval90"]["within"]) if "interval90" in answer else None
        self.bounds: dict[str, float] = {c["metric"]: c["bound"] for c in answer["conditions"]}
        self.summaries: dict[float, dict[str, Any]] = {t["load"]: t["summary"] for t in answer["tried"] if "summary" in t}
        rows = {}
        for tried in answer["tried"]:
            numbers = {name: value for name, _, _, value in _core.numbers_of(json.dumps(tried["summary"]))} if "summary" in tried else {}
            at = {name: numbers.get(name, float("nan")) for name in self.bounds}
            rows[tried["load"]] = at | {"within": not tried["broken"], "broken": ", ".join(tried["broken"])}
        self.tried = pd.DataFrame.from_dict(rows, orient="index").rename_axis(self.key)
        self.tried.attrs["units"] = answer["units"]
        self.limit = "" if self.within is None else _core.limit_sentence(json.dumps(self.summaries[self.within]))

    def _answer(self) -> str:
        if self.within is None:
            return f"Not even {self.key} = {self.beyond:g} keeps {self.slo}."
        text = f"{self.key} = {self.within:g} keeps {self.slo}"
        if self.interval90:
            text += f" (90 %: {self.interval90[0]:g} to {self.interval90[1]:g})"
        if self.beyond is not None:
            text += f"; {self.beyond:g} does not ({self.tried.loc[self.beyond, 'broken']})"
        return f"{text}. {self.limit}"

    def __repr__(self) -> str:
        return f"<tokwatt.Capacity {self._answer()}>"

    def _repr_html_(self) -> str:
        units = self.tried.attrs["units"]
        rows = [
            [f"{load:g}", *(_say(row[name], units[name]) for name in self.bounds), "within" if row["within"] else f"beyond: {row['broken']}"]
            for load, row in self.tried.iterrows()
        ]
        about = f"<p>The interval: {_DRAWN}</p>" if self.interval90 else ""
        return f"<p><b>{html.escape(self._answer())}</b></p>{_table([self.key, *self.bounds, ''], rows)}{about}"

    def plot(self) -> go.Figure:
        """Each objective's number over the load, with its bound, and the interval of the answer shaded."""
        from . import question_plots

        return question_plots.capacity(self)


def capacity(
    scenario: AnyScenario,
    *,
    slo: str | Iterable[str],
    stream: str = "",
    set: Mapping[str, Any] | None = None,
    interval: bool = False,
) -> Capacity:
    """The most users, or requests a second, within objectives; what ``tokwatt capacity`` does.

    Parameters
    ----------
    scenario : path, mapping or Scenario
        As for :func:`tokwatt.run`.
    slo : str or iterable of str
        Conditions on numbers of the summary: ``"ttft_p95<2s,tpot_p95<100ms"``.
    stream : str, optional
        Which stream of the workload grows; needed where there are several.
    set : mapping, optional
        Changes before the scenario is checked, as for :func:`tokwatt.run`.
    interval : bool
        An interval of 90 % of the answer, from 16 draws from what is not known of engines and boxes. Takes some 16 times as long.

    Returns
    -------
    Capacity
        ``within``, ``beyond``, ``tried``, ``limit``.

    Raises
    ------
    InputError
        The scenario or a condition is wrong.
    Infeasible
        The engine cannot run the model on that box.
    """
    conditions = slo if isinstance(slo, str) else ",".join(slo)
    return Capacity(json.loads(_question(scenario, set).capacity(slo=conditions, stream=stream, interval=interval)), conditions)


def sensitivity(scenario: AnyScenario, *, metrics: str | Iterable[str] = "", set: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """What one per cent more of each number that a scenario rests on does to its answers; what ``tokwatt sensitivity`` does.

    Parameters
    ----------
    scenario : path, mapping or Scenario
        As for :func:`tokwatt.run`.
    metrics : str or iterable of str, optional
        Up to four numbers of the summary; without them ``ttft_s.p95``, ``tpot_s.p95``, ``j_per_tok_output`` and ``usd_per_mtok_output``.
    set : mapping, optional
        Changes before the scenario is checked, as for :func:`tokwatt.run`.

    Returns
    -------
    pandas.DataFrame
        By number, the largest effect beyond chance first: its ``change`` (``+1 %``; a power limit also ``+1 W``), and by how much each
        metric changes, as a fraction. ``attrs["chance"]`` has the largest changes that chance brings.

    Raises
    ------
    InputError
        The scenario or a metric is wrong.
    Infeasible
        It does not fit, or the engine cannot run it on that box.
    """
    asked = metrics if isinstance(metrics, str) else ",".join(metrics)
    answer = json.loads(_question(scenario, set).sensitivity(metrics=asked))
    rows = [{"number": number["name"], "change": number["change"], **number["effect"]} for number in answer["numbers"]]
    table = pd.DataFrame(rows, columns=["number", "change", *answer["chance"]]).set_index("number")
    table.attrs.update(chance=answer["chance"], units=dict.fromkeys(answer["chance"], "1"))
    return table.astype({name: float for name in answer["chance"]})


_SEGMENTS = ("steps", "duration", "growth", "decoding", "chunk_tokens")


def explain(results: Results | str | os.PathLike[str]) -> pd.DataFrame:
    """Where a request's time, the box's time and the energy of a run went; what ``tokwatt explain`` says.

    Parameters
    ----------
    results : Results or path
        Of :func:`tokwatt.run`, or the file of a run.

    Returns
    -------
    pandas.DataFrame
        By (``deployment``, ``of``, ``part``): the ``amount`` in ``unit``, its ``share``, and ``what`` it is. `of` is ``request`` (the mean
        request's time), ``box`` (the time of the run), ``energy`` (at the wall) and ``saves``: the share of a request's time that a remedy
        could save at most. ``attrs["missing"]`` says what could not be told.

    Raises
    ------
    InputError
        The file is not the results of a run.
    """
    run = results if isinstance(results, Results) else open_results(results)
    columns = {"series/time": run.series["time"].to_numpy()}
    if "segments" in run._run.groups:
        columns |= {f"segments/{name}": run.segments[name].to_numpy() for name in _SEGMENTS}
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    missing = []
    for name, part in _core.explain(run._run.summary_json, columns).items():
        for of, unit in (("request", "s"), ("box", "s"), ("energy", "J")):
            whole, portions = part[of]
            for key, what, amount in portions:
                rows[name, of, key] = {"amount": amount, "unit": unit, "share": amount / whole if whole > 0 else 0.0, "what": what}
        for number, (what, at_most) in enumerate(part["helps"], start=1):
            rows[name, "saves", str(number)] = {"amount": np.nan, "unit": "", "share": at_most, "what": what}
        missing += part["missing"]
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(table.index, names=["deployment", "of", "part"])
    table.attrs["missing"] = missing
    return table
