"""Columns of the results as tables, and the few figures that say how a run went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Column:
    """A variable of a group, as the core hands it over."""

    name: str
    units: str
    long_name: str
    dims: tuple[str, ...]
    values: Any
    flag_meanings: list[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "dims", tuple(self.dims))
        if isinstance(self.values, list):
            object.__setattr__(self, "values", np.array(self.values, dtype=object))

    def attributes(self) -> dict[str, Any]:
        """Attributes as the results file has them."""
        attributes: dict[str, Any] = {"units": self.units, "long_name": self.long_name}
        if self.flag_meanings:
            attributes["flag_values"] = np.arange(len(self.flag_meanings), dtype=np.int8)
            attributes["flag_meanings"] = " ".join(word.replace(" ", "_") for word in self.flag_meanings)
        return {name: value for name, value in attributes.items() if not isinstance(value, str) or value}


def frame(columns: list[Column], index: str) -> pd.DataFrame:
    """Columns of one common dimension as a table; flags become categories, units go to ``attrs["units"]``."""
    table = pd.DataFrame({c.name: _values(c) for c in columns if c.dims != (index,) or c.name != index}, copy=False)
    named = [c for c in columns if c.name == index]
    table.index = pd.Index(named[0].values, name=index) if named else pd.RangeIndex(len(table), name=index)
    table.attrs["units"] = {c.name: c.units for c in columns if c.units}
    return table


def _values(column: Column) -> Any:
    if column.flag_meanings:
        return pd.Categorical.from_codes(column.values, categories=pd.Index(column.flag_meanings))
    return column.values


# Key of the summary, title, unit as shown, factor into that unit.
_FIGURES = [
    ("requests.completed", "requests completed", "", 1),
    ("throughput_tok_s.output", "output", "tokens/s", 1),
    ("ttft_s.p50", "first token, median", "s", 1),
    ("ttft_s.p95", "first token, 95 %", "s", 1),
    ("tpot_s.p50", "per token, median", "ms", 1e3),
    ("power_w.wall.mean", "power at the wall, mean", "W", 1),
    ("temperature_c.max", "die temperature, highest", "degC", 1),
    ("throttled_s", "throttled", "s", 1),
    ("energy_j.wall", "energy at the wall", "kWh", 1 / 3.6e6),
    ("cost_usd.total", "cost", "USD", 1),
]


def key_figures(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures of a summary that say how a run went, as (title, value with unit); what is null is left out."""
    figures = []
    for path, title, unit, factor in _FIGURES:
        value: Any = summary
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            text = str(value) if isinstance(value, int) else f"{value * factor:.4g}"
            figures.append((title, f"{text} {unit}".strip()))
    return figures
