"""From a scenario to results."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from typing import Any, Literal

from . import _core
from .results import Results


def run(
    scenario: str | os.PathLike[str] | Mapping[str, Any],
    *,
    set: Mapping[str, Any] | None = None,
    stepping: Literal["macro", "token"] = "macro",
    progress: Callable[[float, float | None, int], None] | None = None,
) -> Results:
    """Simulate a scenario.

    The GIL is released while it runs: simulations on several threads run at the same time.

    Parameters
    ----------
    scenario : path or mapping
        A scenario file, or its content as a mapping; relative paths in a mapping start at the current folder.
    set : mapping, optional
        Changes before the scenario is checked: dotted paths as after ``--set`` (``"workload.0.users"``,
        ``'models."llama-3.1-8b".layers'``) to values. A str is YAML text as one would write it in the file
        (``"35 degC"``); numbers, booleans, None, lists and mappings mean what they mean in YAML.
    stepping : {"macro", "token"}
        ``"macro"`` jumps from change to change; ``"token"`` is the slow reference. Both give the same results.

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
    sets = [f"{path}={_yaml(path, value)}" for path, value in (set or {}).items()]
    if isinstance(scenario, Mapping):
        text = json.dumps(scenario, indent=2, ensure_ascii=False, default=_plain, allow_nan=False)
        core = _core.run_text("scenario", text, folder=os.getcwd(), sets=sets, stepping=stepping, progress=progress)
    else:
        core = _core.run_file(os.fspath(scenario), sets=sets, stepping=stepping, progress=progress)
    return Results(core)


def _yaml(path: str, value: Any) -> str:
    """YAML text of a value of ``set``: a str is that text already, everything else is JSON, which YAML contains."""
    if isinstance(value, str):
        return value
    value = _plain(value) if hasattr(value, "tolist") else value
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"set: {path} is {value}; expected a finite number")
    return json.dumps(value, ensure_ascii=False, default=_plain, allow_nan=False)


def _plain(value: Any) -> Any:
    """NumPy scalars and arrays as plain numbers and lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"a {type(value).__name__} has no meaning in a scenario")
