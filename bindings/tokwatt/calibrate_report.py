"""What `tokwatt calibrate` says, within 80 columns."""

from __future__ import annotations

import collections
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .calibration import PARAMETERS, unlink
from .overlay import SECONDS, identified_by, short

if TYPE_CHECKING:
    from .calibrate import Calibrated, EngineFit

_WIDTH = 80
_LAST = 19  # columns of what identified a parameter


def labels(rows: Sequence[dict]) -> list[str]:
    """The kind of each row's test, with the range that the rows of its kind have: "pp512-2048 @ d4096"."""
    kinds = [(r.get("generate", 0) > 0, r.get("depth", 0) > 0, r.get("sequences", 1) > 1) for r in rows]
    out = {}
    for kind in set(kinds):
        decode, deep, batched = kind
        of = [r for r, k in zip(rows, kinds, strict=True) if k == kind]
        text = "tg" + _range(r["generate"] for r in of) if decode else "pp" + _range(r["prompt"] for r in of)
        text += f" x{_range(r['sequences'] for r in of)}" if batched else ""
        out[kind] = text + (f" @ d{_range(r['depth'] for r in of)}" if deep else "")
    return [out[k] for k in kinds]


def _range(values: Iterable[int]) -> str:
    of = sorted(values)
    return str(of[0]) if of[0] == of[-1] else f"{of[0]}-{of[-1]}"


def percent(value: float) -> str:
    """ "3.1 %"."""
    return f"{100 * value:.1f} %"


def _interval(parameter: str, low: float, high: float) -> str:
    """ "0.82-0.87", "1.4-3.7 us"."""
    if parameter in SECONDS:
        scale, unit = (1e6, "us") if high < 0.9995e-3 else (1e3, "ms")
        return f"{low * scale:.3g}-{high * scale:.3g} {unit}"
    return f"{low:.3g}-{high:.3g}"


def engine_report(
    found: Calibrated, fit: EngineFit, kind: str, errors: Sequence[tuple[str, int, float, float]]
) -> list[str]:
    """The parameters of one engine, its residuals, and rows above the roofline."""
    rows, tests = int((fit.use > 0).sum()), fit.use.sum()
    of = "" if round(tests) == rows else f" ({tests:.0f} different tests)"
    lines = textwrap.wrap(
        f"{fit.engine} on {found.box}: {rows} rows{of} of {len(found.files)} "
        f"file{'s' if len(found.files) > 1 else ''}. Parameters for {kind}:",
        _WIDTH,
    )
    lines += ["", f"{'parameter':<29}{'before':>8}{'after':>8}  {'90 % interval':<13} identified by"]
    for e in fit.estimates:
        said = textwrap.wrap(identified_by(e), _LAST, break_on_hyphens=False)
        after, interval = ("", "") if e.fixed else (short(e.parameter, e.after), _interval(e.parameter, e.low, e.high))
        lines.append(f"{e.parameter:<29}{short(e.parameter, e.before):>8}{after:>8}  {interval:<13} {said[0]}".rstrip())
        lines += [" " * 61 + more for more in said[1:]]
    lines += _added(fit)
    lines += ["", "median error      before   after   spread before   after"]
    for part, count, before, after in errors:
        decode = part == "decode"
        lines.append(
            f"{f'{part}, {count} rows':<17}{percent(before):>7}{percent(after):>8}"
            f"{fit.fitted.prior.spread[decode]:>16.3f}{fit.fitted.spread[decode]:>8.3f}"
        )
    if fit.flash_attention is not None:
        lines += [
            "",
            f"Measured {'with' if fit.flash_attention else 'without'} flash attention; the box's sheet says otherwise,",
            "the new one says so.",
        ]
    if fit.above:
        lines += ["", "Above the roofline of the vendor's peaks, and left out:"]
        for text in fit.above:
            lines += textwrap.wrap(
                text,
                _WIDTH,
                initial_indent="  ",
                subsequent_indent="    ",
                break_on_hyphens=False,
                break_long_words=False,
            )
    return [*lines, ""]


def _added(fit: EngineFit) -> list[str]:
    """What other weights and models add, where the tests told."""
    prior, fitted, lines = fit.fitted.prior, fit.fitted, []
    several = len({(p.unpack, p.family) for p, w in zip(fit.problem.places, fit.use, strict=True) if w > 0}) > 1
    if not several:
        return []
    base = {p: fitted.point[at] for p, at in prior.columns(("base", ""))}
    for block in prior.blocks[1:]:
        for p in PARAMETERS:
            at = prior.index.get((block, p))
            if at is None or p not in base or 1 - fitted.covariance[at, at] / prior.covariance[at, at] < 0.1:
                continue
            what = f"{block[1]} weights" if block[0] == "by_unpack" else f"family {block[1]}"
            alone, so = unlink(p, base[p]), unlink(p, base[p] + fitted.point[at])
            lines.append(f"  {what:<24}{p:<29}{short(p, alone):>8} -> {short(p, so)}")
    return ["", "What these weights and models make of it, where the tests tell:", *lines] if lines else []


def notes_lines(notes: Sequence[str]) -> list[str]:
    """What to look at first."""
    lines = []
    for note in notes:
        lines += textwrap.wrap(
            f"Note: {note}", _WIDTH, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
        )
    return [*lines, ""] if lines else []


def next_lines(path: str, options: Sequence[str]) -> list[str]:
    """What may be run next; lines of a command end where the next option would not fit."""
    said = f"Written to {path}. Next:"
    lines = [said] if len(said) <= _WIDTH else ["Written to", f"  {path}", "Next:"]
    command, indent = ["  tokwatt bench"], " " * 6
    room = _WIDTH - len(" \\")  # the end of a line that goes on
    for option in options:
        # The name of an option and a long path have lines of their own.
        pieces = [option] if len(indent + option) <= room else option.split(" ", 1)
        for piece in pieces:
            if len(command[-1]) + 1 + len(piece) <= room:
                command[-1] += f" {piece}"
            else:
                command.append(indent + piece)
    return lines + [f"{line} \\" for line in command[:-1]] + command[-1:]


def unused_lines(unused: Sequence[tuple[str, int, str]]) -> list[str]:
    """What was not used, by reason."""
    by_reason: dict[str, list[str]] = collections.defaultdict(list)
    for file, line, why in unused:
        by_reason[why].append(f"{file}:{line}")
    lines = ["Not used:"] if by_reason else []
    for why, places in by_reason.items():
        where = places[0] if len(places) == 1 else f"{len(places)} rows, the first at {places[0]}"
        lines += textwrap.wrap(
            f"{where}: {why}",
            _WIDTH,
            initial_indent="  ",
            subsequent_indent="    ",
            break_on_hyphens=False,
            break_long_words=False,
        )
    return lines
