"""Tables of answers for a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterable

import numpy as np

from . import words

DRAWN = "5 to 95 % over draws from what is not known of engines and boxes."
_SAID = {"s": words.duration, "W": words.watts, "J": words.energy, "USD": words.usd, "degC": words.celsius, "Hz": words.clock, "count": words.grouped}
_UNIT = {"count/s": "tokens/s", "J/count": "J/token", "1e-6 USD/count": "USD", "1": ""}


def said(value: float, units: str) -> str:
    """A number of a summary as people read it."""
    if not np.isfinite(value):
        return "–"
    if units in _SAID:
        return _SAID[units](value)
    unit = _UNIT.get(units, units)
    return f"{words.three(value)}{words.SPACE}{unit}" if unit else words.three(value)


def html_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Rows of text whose first cells are names."""
    left = "style='text-align:left'"
    top = "".join(f"<th {left}>{html.escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<th {left}>{html.escape(c)}</th>" if i == 0 else f"<td>{html.escape(c)}</td>" for i, c in enumerate(row)) + "</tr>" for row in rows
    )
    return f"<div style='overflow-x:auto'><table><tr>{top}</tr>{body}</table></div>"
