"""A scenario with sliders: what if there were more people, a hotter room, another quant?"""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import ipywidgets as widgets

from . import _core, asked, commands, report_time, values, words
from .charts import esc
from .errors import Infeasible, InputError
from .report_page import figures
from .report_style import INSIDE
from .results import Results
from .scenario import Scenario
from .simulate import run

_POINTS = 400  # of the curves: what a notebook is wide
# Title, unit, key of the summary, how it is said.
_FIGURES = [
    ("First token, median", "ttft_s.p50", words.duration),
    ("First token, 95 %", "ttft_s.p95", words.duration),
    ("Per token, median", "tpot_s.p50", words.duration),
    ("Output, tokens/s", "throughput_tok_s.output", words.three),
    ("Wall power, mean", "power_w.wall.mean", words.watts),
    ("Hottest die", "temperature_c.max", words.celsius),
    ("Throttled", "throttled_s", words.span),
    ("A million tokens", "usd_per_mtok_output", words.usd),
]


class WhatIf(widgets.VBox):
    """Sliders over a scenario, and the run that answers them, simulated again at each move; made by :func:`tokwatt.whatif`.

    Attributes
    ----------
    controls : dict of str to widget
        By what they change: ``users``, ``ambient`` [degC], ``price`` [USD/kWh], ``power_limit`` [W], ``quant`` (where the scenario runs
        with several); those that the scenario has. The last two are of the first deployment that is not hosted, and of its first box.
    results : Results or None
        The last run; None where the last choice cannot be done.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        first = scenario.run(interval="off")
        self._record = {"record.every": f"{_every(first)} s"}  # changes the curves, not the summary
        self._before = first.summary
        self.results: Results | None = first
        made = _Controls(scenario, first)
        self.controls, self._paths = made.widgets, made.paths
        self._start = {name: control.value for name, control in self.controls.items()}
        self._page = widgets.HTML()
        for control in self.controls.values():
            control.observe(self._changed, names="value")
        super().__init__([widgets.VBox(list(self.controls.values())), self._page])
        self._changed()

    def set(self) -> dict[str, Any]:
        """What the sliders change, as the ``set`` of :func:`tokwatt.run`; nothing of those that are where they began."""
        out: dict[str, Any] = {}
        for name, (path, unit) in self._paths.items():
            value = self.controls[name].value
            if value != self._start[name]:
                out[path] = f"{value:.12g} {unit}" if unit else value
        return out

    def _changed(self, _change: Any = None) -> None:
        try:
            self.results = run(self._scenario, set={**self._record, **self.set()}, interval="off")
            body = _page(self.results, self._before)
        except (Infeasible, InputError) as error:
            self.results = None
            body = f"<p><b>This cannot be done.</b></p><pre>{esc(error)}</pre>"
        self._page.value = f"<style>{INSIDE}</style><div class=tokwatt>{body}</div>"


def _every(results: Results) -> int:
    return max(1, round(float(results.series["time"][-1]) / _POINTS))


class _Controls:
    """Widgets by name, and the dotted path and unit of what each changes."""

    def __init__(self, scenario: Scenario, first: Results) -> None:
        self.widgets: dict[str, widgets.Widget] = {}
        self.paths: dict[str, tuple[str, str]] = {}
        self._layout = {"style": {"description_width": "9rem"}, "layout": widgets.Layout(width="34rem")}
        tree = asked.scenario(first)
        self._add_users(tree["workload"])
        if tree.get("systems"):  # else hosted elsewhere
            self._add_room(tree)
            self._add_box(scenario, tree)

    def _slider(self, name: str, title: str, path: str, unit: str, value: float, low: float, high: float, step: float) -> None:
        self.paths[name] = (path, unit)
        kind = widgets.IntSlider if isinstance(value, int) else widgets.FloatSlider
        self.widgets[name] = kind(description=title, value=value, min=min(low, value), max=max(high, value), step=step, **self._layout)

    def _add_users(self, workload: list[dict[str, Any]]) -> None:
        for index, stream in enumerate(workload):
            key = "users" if "users" in stream else "sessions.users" if "users" in stream.get("sessions", {}) else ""
            if key:
                users = int(stream["sessions"]["users"] if "." in key else stream["users"])
                self._slider("users", f"users ({stream['name']})", f"workload.{index}.{key}", "", users, 1, 4 * users, 1)
                return

    def _add_room(self, tree: Mapping[str, Any]) -> None:
        ambient = tree.get("environment", {}).get("ambient", "22 degC")
        self._slider("ambient", "room [°C]", "environment.ambient", "degC", _in(ambient, "degC"), 10.0, 50.0, 1.0)
        price = tree.get("prices", {}).get("electricity")
        if price is not None:
            self._slider("price", "electricity [USD/kWh]", "prices.electricity", "USD/kWh", _in(price, "USD/kWh"), 0.0, 0.8, 0.01)

    def _add_box(self, scenario: Scenario, tree: Mapping[str, Any]) -> None:
        served = [(name, d) for name, d in tree["deployments"].items() if "api" not in d]
        if not served:  # the boxes stand idle
            return
        name, deployment = served[0]
        runs_on = deployment["runs_on"]
        system = runs_on if isinstance(runs_on, str) else runs_on[0]
        sheet = _named(scenario, tree["systems"][system]["sheet"])
        limit, most = _power_limits(tree["systems"][system], sheet)
        path = f"systems.{values.segment(system)}.power.limit"
        self._slider("power_limit", f"power limit, {system} [W]", path, "W", limit, 0.4 * most, most, 1.0)
        own, path = scenario._quants[name], f"deployments.{values.segment(name)}.quant"
        others = [quant for quant in _quants(scenario, deployment, sheet) if quant != own and _begins(scenario, {path: quant})]
        if others:
            self.paths["quant"] = (path, "")
            self.widgets["quant"] = widgets.Dropdown(description=f"quant ({name})", options=sorted([own, *others]), value=own, **self._layout)


def _in(written: Any, unit: str) -> float:
    """A number of a scenario, which may be told with its source; without what binary fractions add: 70 W, not 70.00000000000001 W."""
    text = written["value"] if isinstance(written, Mapping) else written
    return float(f"{_core.in_unit(text, unit):.12g}")


def _named(scenario: Scenario, name: str, *, model: bool = False) -> str:
    """What a scenario calls a sheet, for a command: paths start at the scenario's folder, not at the working folder."""
    path = pathlib.Path(os.path.dirname(scenario._source) if isinstance(scenario._source, str) else "", name).absolute()
    is_file = "/" in name or path.suffix in (".yaml", ".yml", ".json", ".gguf")
    is_folder = model and path.is_dir() and name.lower() not in {known["id"] for known in _core.known_models()}
    return str(path) if is_file or is_folder else name


@contextlib.contextmanager
def _with(sheet: str, fields: Mapping[str, Any]) -> Iterator[str]:
    """The path of a sheet that is that box but for some fields."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "box.yaml")
        pathlib.Path(path).write_text(values.document({"id": "box", "base": sheet, **fields}), encoding="utf-8")
        yield path


def _power_limits(system: Mapping[str, Any], sheet: str) -> tuple[float, float]:
    """The limit that a system has, by its own word, its mode or its sheet; and that of its sheet [W]."""
    numbers = commands.show(sheet).numbers["value"]
    most = float(numbers["power.limit"])
    written = system.get("power", {}).get("limit")
    if written is not None:
        return _in(written, "W"), most
    return float(numbers.get(f"modes.{values.segment(system.get('mode', ''))}.power.limit", most)), most


def _quants(scenario: Scenario, deployment: Mapping[str, Any], sheet: str) -> list[str]:
    """What the engine runs on such a box and the model has files in, whatever their size: several devices may share it."""
    model, engine = _named(scenario, deployment["model"], model=True), _named(scenario, deployment["engine"])
    with _with(sheet, {"memory": {"capacity": "1000 TB"}}) as box:
        return list(commands.fit(system=box, model=model, engine=engine, context=1)["quant"])


class _Begun(Exception):
    """A run got so far that it reports its progress."""


def _begins(scenario: Scenario, changes: Mapping[str, Any]) -> bool:
    """Whether the scenario runs with these changes; the run itself is cut short."""

    def cut(*_progress: Any) -> None:
        raise _Begun

    try:
        scenario.run(set=changes, interval="off", progress=cut)
    except _Begun:
        return True
    except (Infeasible, InputError):  # it does not fit; or the scenario says of its own quant what does not go with another
        return False
    return True


def _at(summary: Mapping[str, Any], path: str) -> float | None:
    value: Any = summary
    for part in path.split("."):
        value = value[part]
    return value


def _page(results: Results, before: Mapping[str, Any]) -> str:
    items = [
        (title, say(_at(results.summary, path)), f"was {say(_at(before, path))}")
        for title, path, say in _FIGURES
        if _at(results.summary, path) is not None or _at(before, path) is not None
    ]
    return figures(items) + report_time.curves(results)
