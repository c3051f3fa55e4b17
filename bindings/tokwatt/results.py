"""Results of one simulation, as xarray and pandas show them."""

from __future__ import annotations

import html
import json
import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from . import _core, tables, written
from .errors import NoPlan

if TYPE_CHECKING:
    import plotly.graph_objects as go


class Results:
    """What a simulation leaves behind; made by :func:`tokwatt.run`, and read back by :func:`tokwatt.open_results`.

    Numbers are views into the simulation's own memory: read-only, and they keep it alive. Units are in the attributes
    (``r.series.power_wall.attrs["units"]``, ``r.requests.attrs["units"]``). Results pickle.
    """

    def __init__(self, run: _core.Run) -> None:
        self._run = run

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Key figures; the last part of a key says its unit (``ttft_s``, ``energy_j``). Null is None."""
        summary: dict[str, Any] = json.loads(self._run.summary_json)
        return summary

    @cached_property
    def series(self) -> xr.Dataset:
        """What happened over time: coordinates ``time`` [s] and, where it applies, ``deployment`` and ``device``."""
        return self.dataset("series")

    @cached_property
    def requests(self) -> pd.DataFrame:
        """One row per request; ``stream`` and ``outcome`` are categories, times are in s.

        Raises
        ------
        KeyError
            The scenario says ``record: {requests: false}``.
        """
        table = self._frame("requests")
        streams = pd.Index(self.summary["workload"])
        table["stream"] = pd.Categorical.from_codes(table["stream"].to_numpy(), categories=streams)
        return table

    @cached_property
    def segments(self) -> pd.DataFrame:
        """Runs of steps with the same sequences, clock and form, one row each; times in ps, as the simulation counts them.

        Raises
        ------
        KeyError
            The scenario says ``record: {requests: false}``.
        """
        return self._frame("segments")

    @cached_property
    def events(self) -> pd.DataFrame:
        """What happened when: throttling, preemptions, changes of the timeline; ``time`` in s."""
        return self._frame("events")

    @cached_property
    def plan(self) -> xr.Dataset:
        """The months of the scenario's ``plan``: tokens, joules and USD by month, and what each of ``against`` would have cost so far.

        Raises
        ------
        NoPlan
            The scenario has no plan; a KeyError, and to ``hasattr`` an AttributeError.
        """
        try:
            return self.dataset("plan")
        except KeyError as error:
            raise NoPlan(*error.args) from None

    @property
    def title(self) -> str:
        """Title of the scenario."""
        return self._run.title

    @property
    def seed(self) -> int:
        """Seed of all random draws."""
        return self._run.seed

    @property
    def texts(self) -> dict[str, str]:
        """The scenario and every sheet used, by name, as they were read."""
        return self._run.texts

    def dataset(self, group: str) -> xr.Dataset:
        """A group of the results (``"series"``, ``"requests"``, ...) as the results file shows it.

        Raises
        ------
        KeyError
            These results have no such group.
        """
        coordinates: dict[str, xr.Variable] = {}
        variables: dict[str, xr.Variable] = {}
        for column in self._columns(group):
            variable = xr.Variable(column.dims, column.values, column.attributes())
            (coordinates if column.dims == (column.name,) else variables)[column.name] = variable
        return xr.Dataset(variables, coordinates)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the results file (HDF5 that netCDF tools read); ``path`` holds the old file or the whole new one.
        The folder is made where there is none.

        Raises
        ------
        RuntimeError
            It cannot be written; the text has the reason.
        """
        try:
            os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        except OSError as error:
            raise RuntimeError(f"cannot write {os.fspath(path)}: {error.strerror}") from error
        self._run.save(os.fspath(path))
        written.remember(os.fspath(path))

    def plot(self) -> go.Figure:
        """Throughput, clock, temperature and power on one axis of time; where the clock was throttled the ground is shaded."""
        from . import plots

        return plots.overview(self)

    def report(self, path: str | os.PathLike[str]) -> None:
        """Write a page of HTML about this run: the answer, what limited it, what happened, what it cost and rests on.

        Raises
        ------
        OSError
            It cannot be written.
        """
        from . import report_run
        from .output import write

        write(os.fspath(path), report_run.html(self))

    def _columns(self, group: str) -> list[tables.Column]:
        if group not in self._run.groups:
            hint = "; the scenario says record: {requests: false}" if group in ("requests", "segments") else ""
            hint = "; the scenario has none" if group == "plan" else hint
            raise KeyError(f"these results have no {group}{hint}")
        return [tables.Column(*column) for column in self._run.columns(group)]

    def _frame(self, group: str) -> pd.DataFrame:
        return tables.frame(self._columns(group), self._singular(group))

    @staticmethod
    def _singular(group: str) -> str:
        return group.removesuffix("s")

    def __repr__(self) -> str:
        return f"<tokwatt.Results: {', '.join(f'{name} {value}' for name, value in tables.key_figures(self.summary))}>"

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
            for name, value in tables.key_figures(self.summary)
        )
        title = html.escape(self.title)
        return f"<table><caption>{title}</caption>{cells}</table>"

    def __getstate__(self) -> _core.Run:
        return self._run

    def __setstate__(self, run: _core.Run) -> None:
        self._run = run
