"""Results as a table of comma-separated values, each column's unit in its name."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

import pandas as pd

from .results import Results

# What a unit becomes behind a name; tokens and counts have none.
_ENDINGS = {"s": "_s", "s-1": "_per_s", "Hz": "_hz", "W": "_w", "J": "_j", "degC": "_c", "USD": "_usd", "ps": "_ps"}


def text(results: Results, table: str) -> str:
    """`table` is requests, series, segments, events, plan or summary."""
    if table == "summary":
        return _summary(results.summary)
    if table == "plan":
        return _plan(results).to_csv(index=False, lineterminator="\n")
    frame = _series(results) if table == "series" else _frame(results, table)
    return frame.to_csv(index=table == "requests", lineterminator="\n")


def _frame(results: Results, table: str) -> pd.DataFrame:
    frame: pd.DataFrame = getattr(results, table)
    units = frame.attrs["units"]
    return frame.rename(columns={name: name + _ENDINGS.get(units.get(name, ""), "") for name in frame.columns})


def _series(results: Results) -> pd.DataFrame:
    """A column for each deployment and device, its name in front."""
    columns: dict[str, Any] = {"time_s": results.series["time"].values}
    for name, values in results.series.data_vars.items():
        if len(values.dims) == 1:  # of the whole, such as the temperature of the room
            columns[name + _ENDINGS.get(values.attrs.get("units", ""), "")] = values.values
            continue
        across = values.dims[1]
        ending = _ENDINGS.get(values.attrs.get("units", ""), "")
        meanings = str(values.attrs.get("flag_meanings", "")).split()
        for index, of in enumerate(values[across].values):
            column = values.values[:, index]
            columns[f"{of}.{name}{ending}"] = pd.Categorical.from_codes(column, categories=pd.Index(meanings)) if meanings else column
    return pd.DataFrame(columns)


def _plan(results: Results) -> pd.DataFrame:
    """By month; a column for each of `against`, its name in front."""
    plan = results.plan
    columns: dict[str, Any] = {"month": plan["month"].values}
    for name, values in plan.data_vars.items():
        ending = _ENDINGS.get(values.attrs.get("units", ""), "")
        if values.dims == ("month",):
            columns[f"{name}{ending}"] = values.values
            continue
        for rival in plan["against"].values:
            columns[f"{rival}.cumulated{ending}"] = values.sel(against=rival).values
    return pd.DataFrame(columns)


def _summary(summary: dict[str, Any]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["key", "value"])

    def walk(node: Any, path: str) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                walk(value, f"{path}.{key}" if path else key)
        elif isinstance(node, list):
            writer.writerow([path, json.dumps(node, ensure_ascii=False)])
        else:
            writer.writerow([path, "" if node is None or (isinstance(node, float) and not math.isfinite(node)) else node])

    walk(summary, "")
    return out.getvalue()
