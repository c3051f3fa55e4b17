"""Scores the calibration on what it has not seen: `./dev validate`, which runs
`python -m tokwatt.validation docs/validation/measurements.csv -o docs/validation.md`.

Rows are left out by whole source, system and family of models in turn; the rest is fitted again, with its spreads; the rows
left out are predicted with their 90 % intervals. How far effects of a kind scatter (spread.csv) is not estimated again.
"""

from __future__ import annotations

import argparse
import collections
import csv
import dataclasses
import multiprocessing
import os
import pathlib
import sys
from collections.abc import Callable, Sequence

import numpy as np

from . import calibration, load_fit, measurements, population
from .calibration import Fit, Problem
from .measurements import Measurement

_NORMAL90 = 1.6448536269514722


@dataclasses.dataclass
class Scored:
    """Predictions of rows: residual = log(measured / predicted), half = half width of the 90 % interval in logarithms."""

    residual: np.ndarray
    half: np.ndarray

    @property
    def error(self) -> np.ndarray:
        return np.abs(np.expm1(-self.residual))


def scored(problem: Problem, result: Fit, use: np.ndarray, rows: np.ndarray) -> Scored:
    """Predicts `rows` by a fit to `use`."""
    linked = calibration.parameters_of(result, problem.places)
    predicted = np.minimum(problem.predicted(linked), problem.bound)
    residual = problem.measured - predicted
    variance = calibration.log_variance(result, problem, linked)
    spread = population.spreads(problem, residual, variance, use & ~problem.careful)
    own = np.array([spread.get((p.engine, bool(d)), spread["", bool(d)]) for p, d in zip(problem.places, problem.decode, strict=True)])
    half = _NORMAL90 * np.sqrt(population.DOUBT**2 * variance + own**2)
    return Scored(residual[rows], half[rows])


_shared: Problem | None = None  # of the processes that fit without a group


def _without(out: np.ndarray) -> Scored:
    # From scratch: a start that has seen the rows left out would tell of them.
    return scored(_shared, calibration.cooled_fit(_shared, use=~out), ~out, out)


def leave_out(problem: Problem, groups: Sequence[str], names: Sequence[str], progress: Callable[[str], None]) -> Scored:
    """Predicts each of the named groups of rows by a fit to all others; NaN elsewhere."""
    global _shared
    _shared = problem
    of = np.array(groups)
    residual, half = np.full(len(of), np.nan), np.full(len(of), np.nan)
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:  # a fit cannot be sent, only inherited
        for name, part in zip(names, pool.imap(_without, [of == name for name in names]), strict=True):
            progress(name)
            residual[of == name], half[of == name] = part.residual, part.half
    return Scored(residual, half)


def summary(problem: Problem, score: Scored, chosen: np.ndarray) -> dict[str, float]:
    """Median and 90th percentile of the absolute error, median of the per-system medians, coverage, half width."""
    error = score.error[chosen]
    boxes = np.array([p.box for p in problem.places])[chosen]
    medians = [np.median(error[boxes == b]) for b in sorted(set(boxes))]
    residual, half = score.residual[chosen], score.half[chosen]
    return {
        "rows": int(chosen.sum()),
        "median": float(np.median(error)),
        "p90": float(np.quantile(error, 0.9)),
        "systems": float(np.median(medians)),
        "coverage": float(np.mean(np.abs(residual) <= half)),
        "half": float(np.median(half)),
        "sd": float(np.std(residual)),
    }


@dataclasses.dataclass
class Validation:
    """What was predicted, by what was left out, and what was not.

    Attributes
    ----------
    rows : list of Measurement
        Rows of `problem`, in its order; those that are not clean are fitted to, but not scored.
    scores : dict of str to Scored
        "nothing" (the fit to all rows), "source", "system" and "family"; NaN for rows that are not scored.
    secondary : Scored
        Rows of boxes without clean rows, each predicted without its box.
    excluded : list of (row id, test, reason)
        Clean rows that are not scored.
    """

    rows: list[Measurement]
    problem: Problem
    scores: dict[str, Scored]
    secondary: Scored
    excluded: list[tuple[str, str, str]]

    @property
    def groups(self) -> dict[str, list[str]]:
        return groups_of(self.problem, self.rows)


def groups_of(problem: Problem, rows: Sequence[Measurement]) -> dict[str, list[str]]:
    """What each row belongs to, by what can be left out."""
    return {
        "source": [r.source for r in rows],
        "system": [p.box for p in problem.places],
        "family": [p.family for p in problem.places],
    }


def validate(path: str | os.PathLike[str], progress: Callable[[str], None] = lambda _: None) -> Validation:
    """Leaves out each source, system and family of models in turn. About three minutes on two cores."""
    read = measurements.read(path, clean=False)
    problem = population.problem_of(read)
    rows = [read[i] for i in problem.kept]
    clean = ~problem.careful
    both = load_fit.WithServed(problem, load_fit.trials(pathlib.Path(path).with_name("load")))
    whole = load_fit.fit(both, calibration.best_fit(problem), spread=calibration._SPREAD, progress=progress)
    everything = np.ones(len(both.rows), bool)
    scores = {"nothing": scored(both, whole, everything, everything)}
    groups = groups_of(problem, rows)
    served = {"source": both.sources, "system": [p.box for p in both.served_places], "family": [p.family for p in both.served_places]}
    for kind, of in groups.items():
        names = sorted({name for name, c in zip(of, clean, strict=True) if c})
        scores[kind] = leave_out(both, [*of, *served[kind]], names, lambda name, kind=kind: progress(f"without {kind} {name}"))
    boxes = sorted(set(groups["system"]) - {b for b, c in zip(groups["system"], clean, strict=True) if c})
    secondary = leave_out(both, [*groups["system"], *served["system"]], boxes, lambda name: progress(f"without system {name}"))
    n = len(rows)
    scores = {kind: Scored(np.where(clean, score.residual[:n], np.nan), score.half[:n]) for kind, score in scores.items()}
    return Validation(rows, problem, scores, Scored(secondary.residual[:n], secondary.half[:n]), _excluded(path, read, problem))


def _excluded(path: str | os.PathLike[str], read: Sequence[Measurement], problem: Problem) -> list[tuple[str, str, str]]:
    scored_or_failed = {r.id for r in read}
    out = [(read[i].id, text_of(read[i].test), error.splitlines()[0]) for i, error in sorted(problem.errors.items()) if read[i].clean]
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            if row["clean"] == "1" and row["id"] not in scored_or_failed:
                what = f"{row['system_id']}, {row['engine_id']}, {row['model_id']} {row['quant_id']}, {row['metric']}, batch {row['batch_or_concurrency']}"
                out.append((row["id"], what, measurements.why_unused(row)))
    return out


def text_of(test: dict) -> str:
    """A test in words."""
    part = f"tg{test['generate']}" if test["generate"] else f"pp{test['prompt']}"
    behind = f" behind {test['depth']}" if test["depth"] else ""
    batch = f" x {test['sequences']}" if test["sequences"] > 1 else ""
    return f"{test['system']}, {test['engine']}, {test['model']} {test['quant']}, {part}{behind}{batch}"


def main(arguments: Sequence[str] | None = None) -> int:
    from . import validation_report  # needs matplotlib, which nothing else does

    parser = argparse.ArgumentParser(prog="python -m tokwatt.validation", description=__doc__)
    parser.add_argument("measurements")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    options = parser.parse_args(arguments)
    done: collections.Counter[str] = collections.Counter()

    def progress(what: str) -> None:
        done["fits"] += 1
        print(f"\r\033[K{done['fits']}: {what}", end="", file=sys.stderr, flush=True)

    found = validate(options.measurements, progress)
    print(file=sys.stderr)
    validation_report.write(found, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
