"""Where the time and the energy of a run went."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd

from . import _core
from .results import Results
from .saved import open_results

_SEGMENTS = ("steps", "duration", "growth", "decoding", "chunk_tokens")
_TIMES = ("arrival", "admitted", "first_token", "finish")


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
    if "requests" in run._run.groups:
        columns |= {f"requests/{name}": run.requests[name].to_numpy() for name in _TIMES}
        columns["requests/outcome"] = (run.requests["outcome"] == "completed").to_numpy().astype(float)
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
