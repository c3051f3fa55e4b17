"""A checked scenario."""

from __future__ import annotations

import html
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import _core, values

if TYPE_CHECKING:
    from .results import Results


class Scenario:
    """A scenario that was read and checked; made by :func:`tokwatt.load`.

    It can be simulated as often as one likes, with other values each time, and it pickles: workers of Dask, Ray or joblib read it
    again where they are.

    Attributes
    ----------
    title : str
    deployments : dict of str to str
        What is served, by name, in words.
    streams : list of str
        Names of the streams of requests.
    assumed : list of str
        Inputs that rest on assumption.
    notes : list of str
        What was put right on the way: rows moved into order.
    texts : dict of str to str
        The scenario and every sheet it uses, as they were read.
    """

    def __init__(self, source: str | os.PathLike[str] | Mapping[str, Any], set: Mapping[str, Any]) -> None:
        self._source = source if isinstance(source, Mapping) else os.fspath(source)
        self._set = values.mapping(set)
        facts = check(self._source, values.sets(self._set))
        self.title: str = facts["title"]
        self.seed: int = facts["seed"]
        self.deployments: dict[str, str] = facts["deployments"]
        self._quants: dict[str, str] = facts["quants"]
        self.streams: list[str] = facts["streams"]
        self.assumed: list[str] = facts["assumed"]
        self.notes: list[str] = facts["notes"]
        self.texts: dict[str, str] = facts["texts"]

    def run(self, *, set: Mapping[str, Any] | None = None, **options: Any) -> Results:
        """Simulate it; see :func:`tokwatt.run`. `set` goes over what was set before."""
        from .simulate import run

        return run(self, set=set, **options)

    def changed(self, set: Mapping[str, Any]) -> Scenario:
        """The same with other values, checked again."""
        return Scenario(self._source, {**self._set, **set})

    def __repr__(self) -> str:
        return f"<tokwatt.Scenario {self.title!r}: {'; '.join(f'{name}: {what}' for name, what in self.deployments.items())}>"

    def _repr_html_(self) -> str:
        rows = [*self.deployments.items(), ("requests", ", ".join(self.streams)), ("seed", str(self.seed))]
        rows += [(path, values.yaml(path, value)) for path, value in self._set.items()]
        rows += [("assumed", f"{len(self.assumed)} inputs")]
        cells = "".join(f"<tr><th style='text-align:left'>{html.escape(a)}</th><td style='text-align:left'>{html.escape(b)}</td></tr>" for a, b in rows)
        text = html.escape(self.texts["scenario"])
        return f"<table><caption>{html.escape(self.title)}</caption>{cells}</table><details><summary>as written</summary><pre>{text}</pre></details>"


def check(source: str | Mapping[str, Any], sets: list[str]) -> dict[str, Any]:
    """What the core says of a scenario."""
    if isinstance(source, str):
        return _core.check_file(source, sets=sets)
    return _core.check_text("scenario", values.document(source), folder=os.getcwd(), sets=sets)


def load(scenario: str | os.PathLike[str] | Mapping[str, Any], *, set: Mapping[str, Any] | None = None) -> Scenario:
    """Read and check a scenario without simulating it.

    Parameters
    ----------
    scenario : path or mapping
        A scenario file, or its content as a mapping; relative paths in a mapping start at the current folder.
    set : mapping, optional
        Changes before the scenario is checked, as for :func:`tokwatt.run`.

    Returns
    -------
    Scenario
        Takes the place of a file in :func:`tokwatt.run`.

    Raises
    ------
    InputError
        The input has mistakes; ``errors`` lists them with file, line, column and message.
    """
    return Scenario(scenario, set or {})
