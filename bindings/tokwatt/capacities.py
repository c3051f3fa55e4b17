"""How much load a scenario bears within objectives."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from . import _core
from .answer_tables import DRAWN, html_table, said
from .ask import AnyScenario, ask

if TYPE_CHECKING:
    import plotly.graph_objects as go


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
            [f"{load:g}", *(said(row[name], units[name]) for name in self.bounds), "within" if row["within"] else f"beyond: {row['broken']}"]
            for load, row in self.tried.iterrows()
        ]
        about = f"<p>The interval: {DRAWN}</p>" if self.interval90 else ""
        return f"<p><b>{html.escape(self._answer())}</b></p>{html_table([self.key, *self.bounds, ''], rows)}{about}"

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
    return Capacity(json.loads(ask(scenario, set, "capacity", slo=conditions, stream=stream, interval=interval)), conditions)
