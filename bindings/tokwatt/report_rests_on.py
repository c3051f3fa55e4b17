"""The part of a report that says what the answer rests on."""

from __future__ import annotations

import collections

from . import asked, words
from .asked import Number, Sheet
from .charts import Share, behind, esc, shares, table
from .report_page import paragraph
from .results import Results

_CONFIDENCES = {
    "measured": "measured",
    "vendor": "the vendor's",
    "derived": "derived from others",
    "assumed": "assumed",
    "hypothetical": "hypothetical",
    "not said": "without a word on it",
}


def html(results: Results) -> str:
    """Counts by confidence, what is assumed, and the sources."""
    sheets = asked.sheets(results)
    numbers = [n for sheet in sheets for n in sheet.numbers]
    counts = collections.Counter(n.confidence for n in numbers)
    entered = list(results.summary.get("assumed", []))
    said = f"The sheets that were used hold {len(numbers)} numbers with a source. {_assumed_sentence(len(entered))}" if numbers else _assumed_alone(len(entered))
    if results.series.sizes.get("device", 0) > 0:
        said += (
            " Speeds come from a roofline with efficiencies fitted to published measurements; docs/validation.md says how well that meets "
            "measurements which the fit has not seen."
        )
    body = paragraph(said)
    if "interval90" not in results.summary:
        body += paragraph("This run was made without an interval: its figures are point predictions.")
    parts = [Share(name, counts[key] / len(numbers), str(counts[key])) for key, name in _CONFIDENCES.items() if counts[key]]
    if parts:
        body += shares(parts, label="Numbers by where they come from: " + ", ".join(f"{p.name} {p.text}" for p in parts))
    body += _by_sheet(sheets)
    if entered:
        body += behind(f"The {len(entered)} assumed inputs", _assumed(entered, numbers))
    return body + behind("Sources", _sources(sheets))


def _assumed_sentence(count: int) -> str:
    if not count:
        return "None that entered this run is assumed."
    return f"{count} of those that entered this run {'are' if count > 1 else 'is'} assumed."


def _assumed_alone(count: int) -> str:
    return f"Of what entered this run {count} input{'s are' if count != 1 else ' is'} assumed."


def _by_sheet(sheets: list[Sheet]) -> str:
    shown = [c for c in _CONFIDENCES if any(n.confidence == c for s in sheets for n in s.numbers)]
    rows = [
        [f"{s.title}", s.kind, s.software or "", *(str(sum(n.confidence == c for n in s.numbers)) for c in shown)]
        for s in sheets
    ]
    return table(["sheet", "of a", "describes", *shown], rows, caption="Numbers of each sheet, by where they come from", texts=3)


def _assumed(entered: list[str], numbers: list[Number]) -> str:
    known = {f"{n.sheet}: {n.path}": n for n in numbers}
    rows = [[name, known[name].text if name in known else "", known[name].note if name in known else ""] for name in entered]
    return table(["input", "value", "why"], rows, caption="Inputs that rest on assumption", texts=3)


def _sources(sheets: list[Sheet]) -> str:
    out = ""
    for sheet in sheets:
        used = {source for n in sheet.numbers for source in n.sources}
        if sheet.sources:
            items = "".join(f"<li>{_link(text)}{'' if key in used or not sheet.numbers else ' (not used by a number)'}</li>" for key, text in sheet.sources.items())
            out += f"<h3>{esc(sheet.title)}</h3><ul>{items}</ul>"
    return out or paragraph("No sheet names a source.")


def _link(text: str) -> str:
    address, space, rest = text.partition(" ")
    if not address.startswith(("https://", "http://")):
        return esc(text)
    return f"<a href='{esc(address)}' rel=noreferrer>{esc(address)}</a>{esc(space + rest)}"
