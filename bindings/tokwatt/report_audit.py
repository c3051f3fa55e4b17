"""The report of an audit: what `tokwatt audit -o json` printed, as a page."""

from __future__ import annotations

import collections
import json
from typing import Any

from . import words
from .charts import Share, esc, shares
from .errors import InputError, Problem
from .report_page import Section, page, paragraph
from .saved import wrong_file

_VERDICTS = {
    "impossible": "no hardware of this kind can do it: a bound is broken",
    "implausible": "no bound is broken, but it lies far outside of what such hardware was measured to do",
    "possible": "nothing speaks against it",
    "not checkable": "the claim does not say enough, or is not about what can be computed",
}
_TEXTS = ("id", "system", "model", "quant", "metric", "unit", "verdict", "why", "would_make_it_true", "read_as")
_MOST = 64 * 2**20  # bytes; a claim takes about a thousand


def is_audit(path: str) -> bool:
    """Whether a file holds JSON: its first letter is a bracket."""
    try:
        with open(path, "rb") as file:
            return file.read(256).lstrip().startswith(b"[")
    except OSError:
        return False  # whoever reads it says why it cannot be


def read(path: str) -> list[dict[str, Any]]:
    """The claims with their verdicts.

    Raises
    ------
    InputError
        It is not what ``tokwatt audit -o json`` prints.
    """
    with open(path, "rb") as file:
        data = file.read(_MOST + 1)
    if len(data) > _MOST:
        raise wrong_file(path, "has more than 64 MiB; expected what tokwatt audit -o json prints")
    try:
        claims = json.loads(data.decode("utf-8"))
    except json.JSONDecodeError as error:
        message = f"is no JSON ({error.msg}); expected what tokwatt audit -o json prints"
        raise InputError(f"{path}:{error.lineno}:{error.colno}: error: {message}\n", [Problem(path, error.lineno, error.colno, message)]) from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise wrong_file(path, f"is no JSON ({error}); expected what tokwatt audit -o json prints") from error
    problems = [Problem(path, 1, 1, f"claim {n}: {what}; expected what tokwatt audit -o json prints") for n, c in enumerate(claims, 1) for what in _wrong(c)]
    if problems:
        raise InputError("".join(f"{p.file}:{p.line}:{p.column}: error: {p.message}\n" for p in problems[:20]), problems)
    return claims


def _wrong(claim: Any) -> list[str]:
    if not isinstance(claim, dict):
        return ["is no object"]
    out = [f"{key} is {'missing' if key not in claim else 'no text'}" for key in ("id", "system", "metric", "verdict", "why") if not isinstance(claim.get(key), str)]
    out += [f"{key} is no text" for key in _TEXTS if not isinstance(claim.get(key), str | None)]
    if isinstance(claim.get("verdict"), str) and claim["verdict"] not in _VERDICTS:
        out.append(f'verdict is "{claim["verdict"]}"; expected {words.listed(list(_VERDICTS), "or")}')
    lines = claim.get("arithmetic", [])
    if not (isinstance(lines, list) and all(isinstance(line, str) for line in lines)):
        out.append("arithmetic is no list of texts")
    out += [f"{key} is no number" for key in ("value_low", "value_high") if not isinstance(claim.get(key), int | float | None)]
    return out


def html(path: str) -> str:
    """The page."""
    claims = read(path)
    counts = collections.Counter(c["verdict"] for c in claims)
    checkable = len(claims) - counts["not checkable"]
    refuted = counts["impossible"] + counts["implausible"]
    answer = (
        f"Of {len(claims)} {'claims' if len(claims) != 1 else 'claim'}, {checkable} can be checked: {counts['impossible']} are impossible, "
        f"{counts['implausible']} implausible, {counts['possible']} possible."
        if claims
        else "The file holds no claims."
    )
    bar = [Share(verdict, counts[verdict] / len(claims), str(counts[verdict])) for verdict in _VERDICTS if counts[verdict]] if claims else []
    below = shares(bar, label="Verdicts: " + ", ".join(f"{p.text} {p.name}" for p in bar)) if bar else ""
    sections = [
        Section(verdict.replace(" ", "-"), f"{verdict.capitalize()}: {counts[verdict]}", paragraph(f"{about[0].upper()}{about[1:]}.") + _claims(claims, verdict))
        for verdict, about in _VERDICTS.items()
        if counts[verdict]
    ]
    return page(
        title="Published claims, audited" if refuted or claims else "No claims",
        question="Which of these published claims can be true?",
        answer=answer,
        below=below,
        sections=sections,
        about="Judged by tokwatt audit: memory bandwidth, arithmetic, memory and prices of the boxes' data sheets; docs/audit.md has the rules.",
    )


def _claims(claims: list[dict[str, Any]], verdict: str) -> str:
    return "".join(_claim(c) for c in claims if c["verdict"] == verdict)


def _claim(claim: dict[str, Any]) -> str:
    names = ", ".join(filter(None, (claim["system"], claim.get("model"), claim.get("quant"))))
    details = list(claim.get("arithmetic", []))
    if claim.get("would_make_it_true"):
        details.append(f"It would be true with {claim['would_make_it_true']}.")
    if claim.get("read_as"):
        details.append(f"Read as {claim['read_as']}.")
    more = "".join(paragraph(line, "soft") for line in details)
    says = f"{_value(claim)} ({claim['metric']})"
    return (
        f"<article class=claim><div><h3>{esc(claim['id'])}</h3>{paragraph(names)}{paragraph('says ' + says)}</div>"
        f"<div>{paragraph(claim['why'])}{more}</div></article>"
    )


def _value(claim: dict[str, Any]) -> str:
    low, high, unit = claim.get("value_low"), claim.get("value_high"), claim.get("unit") or ""
    if low is None and high is None:
        return "no number"
    if low is None or high is None:
        return f"at {'least' if high is None else 'most'} {words.three(low if high is None else high)} {unit}".strip()
    return f"{words.three(low)} {unit}".strip() if low == high else f"{words.three(low)} to {words.three(high)} {unit}".strip()
