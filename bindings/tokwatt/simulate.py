"""From a scenario to results."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from . import _core, values
from .results import Results
from .scenario import Scenario, load

if TYPE_CHECKING:
    from .sliders import WhatIf


def run(
    scenario: str | os.PathLike[str] | Mapping[str, Any] | Scenario,
    *,
    set: Mapping[str, Any] | None = None,
    stepping: Literal["macro", "token"] = "macro",
    interval: Literal["auto", "off"] | int = "auto",
    progress: Callable[[float, float | None, int], None] | None = None,
) -> Results:
    """Simulate a scenario.

    The GIL is released while it runs: simulations on several threads run at the same time.

    Parameters
    ----------
    scenario : path, mapping or Scenario
        A scenario file, its content as a mapping, or what :func:`tokwatt.load` returned; relative paths in a mapping start at the current folder.
    set : mapping, optional
        Changes before the scenario is checked: dotted paths as after ``--set`` (``"workload.0.users"``,
        ``'models."llama-3.1-8b".layers'``) to values. A str is YAML text as one would write it in the file
        (``"35 degC"``); numbers, booleans, None, lists and mappings mean what they mean in YAML.
    stepping : {"macro", "token"}
        ``"macro"`` jumps from change to change; ``"token"`` is the slow reference. Both give the same results.
    interval : {"auto", "off"} or int
        Whether to run it again with draws from what is not known about engines and boxes, for ``summary["interval90"]``:
        the 90 % intervals of what came out, under dotted names. ``"auto"``: 16 draws, of runs with at most 50,000
        requests and 100,000 ticks; a number from 2 to 1000: so many, of any run.
    progress : callable, optional
        Called now and then with the simulated time [s], the time at which the run ends [s] (None: when it is drained) and
        the requests completed. What it raises ends the run.

    Returns
    -------
    Results
        ``summary``, ``series``, ``requests``, ``segments``, ``events``; s, J, W, degC, Hz, USD, tokens as counts. Equal
        scenario, seed, version and platform give equal results.

    Raises
    ------
    InputError
        The input has mistakes; ``errors`` lists them with file, line, column and message.
    Infeasible
        It does not fit, or the engine cannot run it on that box.
    """
    changes = values.mapping(set)
    if isinstance(scenario, Scenario):
        changes = {**scenario._set, **changes}
        scenario = scenario._source
    sets = values.sets(changes)
    if isinstance(scenario, Mapping):
        text = values.document(scenario)
        core = _core.run_text("scenario", text, folder=os.getcwd(), sets=sets, stepping=stepping, interval=str(interval), progress=progress)
    else:
        core = _core.run_file(os.fspath(scenario), sets=sets, stepping=stepping, interval=str(interval), progress=progress)
    return Results(core)


def whatif(scenario: str | os.PathLike[str] | Mapping[str, Any] | Scenario, *, set: Mapping[str, Any] | None = None) -> WhatIf:
    """Sliders for users, room, price of electricity, power limit and quant; the scenario is simulated again while they move.

    Parameters
    ----------
    scenario : path, mapping or Scenario
        As for :func:`run`. What its ``timeline`` changes is changed there as before.
    set : mapping, optional
        Changes before the scenario is checked.

    Returns
    -------
    WhatIf
        An ipywidget for a notebook; its ``results`` are those of the last run, at first of the scenario as it is.

    Raises
    ------
    InputError
        The scenario has mistakes.
    Infeasible
        As it is it cannot be done.
    ImportError
        ipywidgets is not installed: ``pip install tokwatt[extras]``.
    """
    from .sliders import WhatIf

    return WhatIf(scenario.changed(set or {}) if isinstance(scenario, Scenario) else load(scenario, set=set))
