"""The sheet that `tokwatt calibrate` writes: as that box, but."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import os
import pathlib
import re
import textwrap
from collections.abc import Sequence

import numpy as np

from . import calibration
from .calibration import LINKS
from .own_box import NORMAL90, Block, Estimate, Posterior

FIRST_LINE = "# Written by tokwatt calibrate"
SECONDS = ("kernel_dispatch", "host_per_step", "host_per_sequence")
# What a sheet may say (scenarios/sheets/engine_fields.cpp).
_RANGES = {"log_odds": (1e-4, 1 - 1e-4), "rows": (1e-3, 1e6), "seconds": (1e-12, 10.0)}


@dataclasses.dataclass
class MeasuredFile:
    """A file, as the sheet names it among its sources."""

    path: str
    rows: int
    tools: Sequence[str]
    builds: Sequence[str]

    def text(self) -> str:
        digest = hashlib.sha256(pathlib.Path(self.path).read_bytes()).hexdigest()
        build = f", build {', '.join(self.builds)}" if self.builds else ""
        return (
            f"{os.path.basename(self.path)}, {' and '.join(self.tools)}{build}, {self.rows} rows used, sha256 {digest}"
        )


@dataclasses.dataclass
class EngineResult:
    """What the sheet says of one engine."""

    engine: str
    fitted: Posterior
    estimates: Sequence[Estimate]  # of the weights and models with the most rows
    kind: str  # what those are
    residuals: Sequence[str]  # in words
    files: Sequence[int]  # numbers of the files that it rests on
    flash_attention: bool | None = None  # where it ran otherwise than the box's sheet says


def quoted(text: str) -> str:
    """A text as YAML has it, in quotes where it needs them."""
    plain = re.fullmatch(r"[A-Za-z/][A-Za-z0-9_./-]*", text) and text.lower() not in (
        "yes",
        "no",
        "on",
        "off",
        "true",
        "false",
        "null",
        "y",
        "n",
    )
    return text if plain else json.dumps(text, ensure_ascii=False)


def natural_text(parameter: str, value: float) -> str:
    """A value as a sheet has it."""
    kind = "log_odds" if LINKS[parameter] == "log_odds" else "seconds" if parameter in SECONDS else "rows"
    low, high = _RANGES[kind]
    value = min(max(value, low), high)
    return f"{value * 1e6:.6g} us" if kind == "seconds" else f"{value:.6g}"


def short(parameter: str, value: float) -> str:
    """A value for people."""
    if parameter not in SECONDS:
        return f"{value:.3g}"
    return f"{value * 1e6:.3g} us" if value < 0.9995e-3 else f"{value * 1e3:.3g} ms"


def identified_by(estimate: Estimate) -> str:
    """What identified a parameter: "91 %: tg128 (6 rows)"."""
    if estimate.fixed:
        return "nothing: given in the sheet"
    if estimate.taken < 0.1 or not estimate.by:
        return "nothing here: the prior"
    enough, said = 0.8 * estimate.taken, []
    for name, rows, part in estimate.by:
        said.append(f"{name} ({rows} rows)" if rows != 1 else f"{name} (1 row)")
        enough -= part
        if enough <= 0 or len(said) == 2:
            break
    return f"{estimate.taken:.0%}: ".replace("%", " %") + ", ".join(said)


def _draws(values: np.ndarray) -> str:
    return '"' + " ".join(f"{v:.4g}" for v in values) + '"'


def _engine_lines(result: EngineResult) -> list[str]:
    fitted, prior = result.fitted, result.fitted.prior
    lines = [f"  {quoted(result.engine)}:"]
    if result.flash_attention is not None:
        lines.append(f"    flash_attention: {str(result.flash_attention).lower()}  # as measured")
    lines += [
        "    tuning:",
        f"      source: [{', '.join(f'file{n}' for n in result.files)}]",
        "      confidence: measured",
    ]
    by_name = {e.parameter: e for e in result.estimates}
    for p, at in prior.columns(("base", "")):
        estimate = by_name[p]
        half = NORMAL90 * float(np.sqrt(fitted.covariance[at, at]))
        low, high, before = (
            calibration.unlink(p, v) for v in (fitted.point[at] - half, fitted.point[at] + half, prior.point[at])
        )
        note = f"{short(p, low)} to {short(p, high)} (90 %); before {short(p, before)}; {identified_by(estimate)}"
        known = "" if not estimate.fixed and estimate.taken >= 0.1 else "source: prior, confidence: assumed, "
        value = natural_text(p, calibration.unlink(p, fitted.point[at]))
        lines.append(f"      {p}: {{value: {value}, {known}note: {json.dumps(note)}}}")
    for key, decode in (("spread_prefill", False), ("spread_decode", True)):
        note = f"before {prior.spread[decode]:.3g}; standard deviation of log(measured/predicted)"
        lines.append(f"      {key}: {{value: {fitted.spread[decode]:.4g}, note: {json.dumps(note)}}}")
    lines.append("      draws:")
    lines += [f"        {p}: {_draws(fitted.draws[:, at])}" for p, at in prior.columns(("base", ""))]
    for level in ("by_unpack", "by_family"):
        blocks = [b for b in prior.blocks if b[0] == level and prior.columns(b)]
        if blocks:
            lines.append(f"      {level}:")
        for block in blocks:
            lines += _added(block, fitted)
    return lines


def _added(block: Block, fitted: Posterior) -> list[str]:
    columns = fitted.prior.columns(block)
    return [
        f"        {quoted(block[1])}:",
        "          added: {" + ", ".join(f'{p}: "{fitted.point[at]:.5g}"' for p, at in columns) + "}",
        "          draws:",
        *(f"            {p}: {_draws(fitted.draws[:, at])}" for p, at in columns),
    ]


def text(
    *,
    identifier: str,
    title: str,
    base: str,
    files: Sequence[MeasuredFile],
    results: Sequence[EngineResult],
    version: str,
    date: datetime.date,
) -> str:
    """The whole sheet."""
    builds = sorted({b for f in files for b in f.builds})
    software = ", ".join([r.engine for r in results] + [f"build {b}" for b in builds])
    engines, rows = " and ".join(r.engine for r in results), sum(f.rows for f in files)
    said = [f"What {engines} reached on one box, fitted on {date} by tokwatt {version} to {rows} rows."]
    for r in results:
        said.append(f"{r.engine}: {'; '.join(r.residuals)}. The notes say what identified a parameter for {r.kind}.")
    before = f"what tokwatt {version} says of {base}, before these files (docs/theory/calibration.md)"
    lines = [
        f"{FIRST_LINE} {version}; edit what you know better, or run it again.",
        f"id: {quoted(identifier)}",
        f"title: {json.dumps(title, ensure_ascii=False)}",
        f"base: {quoted(base)}",
        f'describes: {{date: "{date:%Y-%m}", software: {json.dumps(software)}}}',
        "description: >",
        *textwrap.wrap(" ".join(said), 110, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False),
        "sources:",
        *(f"  file{n}: {json.dumps(f.text(), ensure_ascii=False)}" for n, f in enumerate(files, 1)),
        f"  prior: {json.dumps(before)}",
        "engines:",
    ]
    for r in results:
        lines += _engine_lines(r)
    return "\n".join(lines) + "\n"
