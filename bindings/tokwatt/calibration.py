"""Fits what engines reach on boxes to published measurements, all at once.

Each parameter of a test (docs/theory/cost.md) is a sum of effects on the scale of its link: of the engine's family,
the engine, the chip's architecture, the box, the kernels that unpack its weights, the family of its model, builds of the
time before. Effects are drawn towards zero (partial pooling), so that a box with three measurements borrows from its
relatives and one with none gets what they reach, with wide intervals. How far effects of a kind scatter is estimated too
(`scatter`, variance components by EM). Errors are Student-t: outliers count little. Nothing is fitted by row.
"""

from __future__ import annotations

import csv
import dataclasses
import math
import pathlib
from collections.abc import Sequence

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from . import _core

PARAMETERS = tuple(key for key, _ in _core.tuning_parameters())
LINKS = dict(_core.tuning_parameters())
DRAWS = 16
_NU = 3.0  # degrees of freedom of the errors

# What is expected of any engine before a measurement: natural units. memory_efficiency_experts, compute_efficiency_experts
# and rows_half_experts are estimated as what they add to their dense siblings.
_CENTRE = {
    "memory_efficiency": 0.83,
    "memory_efficiency_kv": 0.6,
    "compute_efficiency": 0.5,
    "compute_efficiency_attention": 0.3,
    "compute_efficiency_state": 0.05,
    "rows_half": 64.0,
    "vector_efficiency": 0.1,
    "kernel_dispatch": 3e-6,
    "host_per_step": 2e-4,
    "host_per_sequence": 5e-5,
}
_ADDED_TO = {
    "memory_efficiency_experts": ("memory_efficiency", -0.5),
    "compute_efficiency_experts": ("compute_efficiency", -0.5),
    "rows_half_experts": ("rows_half", -1.2),
}
# llama.cpp's integer kernels on NVIDIA cards reach a smaller share of a higher peak than matrix kernels do.
_INTEGER_KERNELS = ("llama.cpp-cuda", math.log(0.17 / 0.83))

# Standard deviations of the effects, by level: what is expected before any is estimated. They count as much as _EXPECTED
# effects of their kind. Levels of quantised weights (kernel, format), of engines without flash attention (scores) and
# of old builds (drift) are added below.
_START = {
    "memory_efficiency": dict(group=0.3, engine=0.4, arch=0.2, box=0.15, on=0.1, path=0.3, unpack=0.3, family=0.1),
    "memory_efficiency_experts": dict(group=0.5, engine=0.4, arch=0.2, box=0.2, on=0.15, path=0.3, unpack=0.3, family=0.15),
    "memory_efficiency_kv": dict(group=0.5, engine=0.5, arch=0.3, box=0.1, on=0.2, family=0.2, scores=1.0),
    "compute_efficiency": dict(group=0.3, engine=0.4, arch=0.3, on=0.15, path=0.4, unpack=0.3, family=0.15),
    "compute_efficiency_experts": dict(group=0.4, engine=0.4, arch=0.2, on=0.1, unpack=0.3, family=0.3),
    "compute_efficiency_attention": dict(group=0.6, engine=0.6, arch=0.4, on=0.2, family=0.3, scores=1.0),
    "compute_efficiency_state": dict(group=0.7, engine=0.7, arch=0.4, on=0.2, family=0.3),
    "rows_half": dict(group=0.5, engine=0.6, arch=0.3, on=0.1, unpack=0.1),
    "rows_half_experts": dict(group=0.7, engine=0.5, arch=0.2, on=0.1, unpack=0.3, family=0.3),
    "vector_efficiency": dict(group=0.5, engine=0.5, arch=0.3, on=0.1, path=0.3, unpack=0.1),
    "kernel_dispatch": dict(group=0.5, engine=0.5, arch=0.3, box=0.15, on=0.15, family=0.3),
    "host_per_step": dict(group=0.7, engine=0.7, arch=0.3, on=0.2),
    "host_per_sequence": dict(group=0.7, engine=0.7, arch=0.3, on=0.2),
}
for _of in _START.values():
    _of |= {"root": 0.3, "drift": 0.15, "drift_engine": 0.1}
    if "unpack" in _of:
        _of |= {"kernel": 0.7 * _of["unpack"], "format": 0.2}
    if "scores" in _of:
        _of["scores_engine"] = 0.3
_EXPECTED = 4.0
# Not estimated: where a box's decode is bound by memory, only batches tell of its kernels for few rows, and those of one
# format say as much of everything else that a batch costs. And the same kernels read experts' weights whatever the model:
# what one family of models takes longer than another of equal bytes is above all the number of its small kernels.
GIVEN = {(p, level) for p in ("vector_efficiency", "rows_half") for level in ("unpack", "kernel", "format")}
GIVEN.add(("memory_efficiency_experts", "family"))
for _of in ("vector_efficiency", "rows_half"):
    _START[_of]["format"] = 0.1
_FLOAT = ("bf16", "f16")

Spread = dict[str, dict[str, float]]  # parameter -> level -> standard deviation
_SPREAD_FILE = pathlib.Path(__file__).with_name("spread.csv")


def _read_spread() -> Spread:
    with open(_SPREAD_FILE, newline="") as file:
        rows = list(csv.DictReader(file))
    read: Spread = {}
    for row in rows:
        read.setdefault(row["parameter"], {})[row["level"]] = float(row["sd"])
    return read


_SPREAD = _read_spread()  # as estimated from the published measurements: see population.py


def link(parameter: str, value: float) -> float:
    """A value in natural units on the scale that it is estimated on."""
    return math.log(value) if LINKS[parameter] == "log" else math.log(value / (1 - value))


def unlink(parameter: str, value: float) -> float:
    """The reverse of `link`."""
    return math.exp(value) if LINKS[parameter] == "log" else 1 / (1 + math.exp(-value))


@dataclasses.dataclass(frozen=True)
class Place:
    """What decides a test's effects."""

    engine: str
    group: str
    architecture: str
    box: str
    unpack: str
    family: str
    flash_attention: bool = True
    old: bool = False  # measured with builds of before autumn 2025

    def keys(self) -> dict[str, str]:
        """Name of the effect at each level; none for levels that do not apply."""
        path = "float" if self.unpack in _FLOAT else "quantised"
        keys = {"root": "", "group": self.group, "engine": self.engine}
        if self.architecture:
            keys["arch"] = f"{self.engine}|{self.architecture}"
        if self.box:
            keys["box"] = self.box
            keys["on"] = f"{self.engine}|{self.box}"
        if self.unpack:
            keys["path"] = f"{self.engine}|{path}"
            keys["unpack"] = f"{self.engine}|{self.unpack}"
            keys["format"] = f"{self.group}|{path}"
            keys["kernel"] = f"{self.group}|{self.unpack}"
        if self.family:
            keys["family"] = f"{self.group}|{self.family}"
        if not self.flash_attention:
            keys["scores"] = self.group
            keys["scores_engine"] = self.engine
        if self.old:
            keys["drift"] = self.group
            keys["drift_engine"] = self.engine
        return keys


class Effects:
    """The effects that a set of places has, how they add up to parameters, and how far those of a level scatter."""

    def __init__(self, places: Sequence[Place], spread: Spread = _SPREAD) -> None:
        self.scatter = spread
        self.index: dict[tuple[str, str, str], int] = {}
        for place in places:
            for key in self.of(place):
                self.index.setdefault(key, len(self.index))
        self.spread = np.array([spread[p][level] for p, level, _ in self.index])

    def of(self, place: Place) -> list[tuple[str, str, str]]:
        """(parameter, level, name) of the effects that a place has, known or not."""
        keys = place.keys()
        return [(p, level, keys[level]) for p in PARAMETERS for level in self.scatter[p] if level in keys]

    def matrices(self, places: Sequence[Place]) -> list[sp.csr_matrix]:
        """For each parameter, (places, effects): what adds up to it. Effects that are not known are left out."""
        by_name = {p: sp.lil_matrix((len(places), len(self.index))) for p in PARAMETERS}
        for row, place in enumerate(places):
            for p, level, name in self.of(place):
                column = self.index.get((p, level, name))
                if column is not None:
                    by_name[p][row, column] = 1
        for p, (base, _) in _ADDED_TO.items():
            by_name[p] = by_name[p] + by_name[base]
        return [sp.csr_matrix(by_name[p]) for p in PARAMETERS]


def centres(places: Sequence[Place]) -> np.ndarray:
    """(places, parameters): what is expected before any measurement, linked."""
    row = {p: link(p, v) for p, v in _CENTRE.items()}
    for p, (base, added) in _ADDED_TO.items():
        row[p] = row[base] + added
    out = np.tile([row[p] for p in PARAMETERS], (len(places), 1))
    engine, integer = _INTEGER_KERNELS
    shift = integer - row["compute_efficiency"]
    for i, place in enumerate(places):
        if place.engine == engine and place.unpack not in _FLOAT:
            out[i, PARAMETERS.index("compute_efficiency")] += shift
            out[i, PARAMETERS.index("compute_efficiency_experts")] += shift
    return out


@dataclasses.dataclass
class Fit:
    """Effects with their covariance (Laplace's approximation around the most probable ones)."""

    effects: Effects
    value: np.ndarray
    covariance: np.ndarray


class Problem:
    """Measured rates of tests, and the cost model that predicts them.

    `careful` marks rows that say less than others: second hand, or measured through a server.
    """

    def __init__(self, rows: Sequence[dict], measured: Sequence[float], careful: Sequence[bool] | None = None) -> None:
        problems = _core.BenchProblems(list(rows))
        about = problems.about
        self.errors = {i: a["error"] for i, a in enumerate(about) if "error" in a}
        self.kept = [i for i in range(len(about)) if i not in self.errors]
        self.rows = [rows[i] for i in self.kept]
        self.about = [about[i] for i in self.kept]
        self.problems = _core.BenchProblems(self.rows)
        self.measured = np.log([measured[i] for i in self.kept])
        self.decode = np.array([r.get("generate", 0) > 0 for r in self.rows])
        self.places = [
            Place(a["engine"], a["engine_family"], a["architecture"], a["box"], a["unpack"], a["family"], a["flash_attention"], row.get("old", False))
            for a, row in zip(self.about, self.rows, strict=True)
        ]
        self.careful = np.array([careful[i] for i in self.kept]) if careful is not None else np.zeros(len(self.kept), bool)
        self.bound = np.log([a["bound"] for a in self.about])
        self.weight = np.ones(len(self.kept))  # of a row in a fit
        self.centre = centres(self.places)

    def predicted(self, linked: np.ndarray) -> np.ndarray:
        """Logarithms of the predicted rates."""
        return np.log(self.problems.rates(np.ascontiguousarray(linked)))

    def jacobian(self, linked: np.ndarray, step: float = 1e-3) -> tuple[np.ndarray, np.ndarray]:
        """Predictions, and their slopes by parameter over a step to both sides: (rows, parameters)."""

        def moved(k: int, by: float) -> np.ndarray:
            there = linked.copy()
            there[:, k] += by
            return self.predicted(there)

        slopes = [(moved(k, step) - moved(k, -step)) / (2 * step) for k in range(linked.shape[1])]
        return self.predicted(linked), np.column_stack(slopes)

    def scale(self) -> np.ndarray:
        """Scale of the errors: prefill scatters more than decode, rows to be careful with twice as much."""
        return np.where(self.decode, 0.07, 0.12) * np.where(self.careful, 2, 1)


def most_probable(
    problem: Problem,
    centre: np.ndarray,
    matrices: Sequence[sp.spmatrix],
    precision: np.ndarray,
    *,
    scale: np.ndarray,
    use: np.ndarray,
    start: np.ndarray | None = None,
    iterations: int = 30,
    enough: float = 1e-2,
    step: float = 1e-3,
) -> tuple[np.ndarray, np.ndarray]:
    """Most probable effects, and the information there (the inverse of their covariance).

    Levenberg-Marquardt on the Student-t likelihood. `centre` (rows, parameters) is where the parameters are without
    effects, `matrices` say how effects add to each parameter, `precision` is the inverse covariance of the normal prior,
    `use` weighs the rows, `enough` is the gain in log probability at which it stops,
    `step` the step of the slopes: a wide one sees past the kinks of the cost model.
    """
    value = np.zeros(len(precision)) if start is None else start.copy()

    def linked(v: np.ndarray) -> np.ndarray:
        return centre + np.column_stack([m @ v for m in matrices])

    def loss(v: np.ndarray) -> float:
        r = (problem.measured - problem.predicted(linked(v))) / scale
        return float((use * (_NU + 1) / 2 * np.log1p(r * r / _NU)).sum() + 0.5 * v @ precision @ v)

    now, damping = loss(value), 1.0
    for _ in range(iterations):
        at, slopes = problem.jacobian(linked(value), step)
        residual = problem.measured - at
        weight = use * (_NU + 1) / (_NU + (residual / scale) ** 2) / scale**2
        whole = sum(sp.diags(slopes[:, k]) @ m for k, m in enumerate(matrices))
        hessian = (whole.T @ sp.diags(weight) @ whole).toarray() + precision
        gradient = whole.T @ (weight * residual) - precision @ value
        while True:
            damped = hessian + (damping - 1) * np.diag(np.diag(hessian))
            trial = value + scipy.linalg.cho_solve(scipy.linalg.cho_factor(damped, lower=True, check_finite=False), gradient)
            then = loss(trial)
            if then < now or damping > 1e8:
                break
            damping *= 4
        if then >= now:
            break
        gain, value, now, damping = now - then, trial, then, max(1.0, damping / 4)
        if gain < enough:
            break
    _, slopes = problem.jacobian(linked(value))
    whole = sum(sp.diags(slopes[:, k]) @ m for k, m in enumerate(matrices))
    # Of the Student-t: what a row is expected to tell, (nu + 1) / (nu + 3) of what a normal one of its scale would.
    expected = use * (_NU + 1) / (_NU + 3) / scale**2
    return value, (whole.T @ sp.diags(expected) @ whole).toarray() + precision


def _inverse(symmetric: np.ndarray) -> np.ndarray:
    lower, _ = scipy.linalg.lapack.dpotri(scipy.linalg.cholesky(symmetric, lower=True, check_finite=False), lower=1)
    return np.tril(lower) + np.tril(lower, -1).T


def fit(
    problem: Problem,
    *,
    spread: Spread = _SPREAD,
    use: np.ndarray | None = None,
    start: Fit | None = None,
    widen: float = 1.0,
    **search: float,
) -> Fit:
    """Most probable effects near `start` given the rows in `use` (default all), with errors `widen` times as wide."""
    effects = Effects(problem.places, spread)
    value, hessian = most_probable(
        problem,
        problem.centre,
        effects.matrices(problem.places),
        np.diag(1 / effects.spread**2),
        scale=widen * problem.scale(),
        use=problem.weight if use is None else problem.weight * use,
        start=start.value if start else None,
        **search,
    )
    return Fit(effects, value, _inverse(hessian))


# Steps of the slopes and widths of the errors, one after another: first the coarse shape, then the details.
_COOLING = ((0.5, 3.0), (0.2, 1.5), (0.1, 1.0), (1e-3, 1.0))


def cooled_fit(problem: Problem, *, spread: Spread = _SPREAD, use: np.ndarray | None = None, start: Fit | None = None) -> Fit:
    """Most probable effects, reached in stages: the kinks of the cost model hold up a fit that goes straight for the details."""
    for step, widen in _COOLING:
        start = fit(problem, spread=spread, use=use, start=start, widen=widen, step=step, iterations=25, enough=max(step, 1e-2))
    return start


def best_fit(problem: Problem, *, spread: Spread = _SPREAD, starts: int = 8) -> Fit:
    """The most probable of cooled fits that start from nowhere and around there."""
    best = cooled_fit(problem, spread=spread)
    least = surprise(problem, best)
    random = np.random.default_rng(20261121)
    for _ in range(starts):
        moved = best.value + 0.5 * best.effects.spread * random.standard_normal(len(best.value))
        other = cooled_fit(problem, spread=spread, start=Fit(best.effects, moved, best.covariance))
        then = surprise(problem, other)
        if then < least:
            best, least = other, then
    return best


def surprise(problem: Problem, result: Fit) -> float:
    """Minus the logarithm of the posterior probability, but for a constant."""
    r = (problem.measured - problem.predicted(parameters_of(result, problem.places))) / problem.scale()
    return float((problem.weight * (_NU + 1) / 2 * np.log1p(r * r / _NU)).sum() + 0.5 * ((result.value / result.effects.spread) ** 2).sum())


def scatter(problem: Problem, rounds: int = 5) -> tuple[Spread, dict[tuple[str, str], int]]:
    """How far effects of each level scatter, and how many effects say so.

    Variance components by EM: each round fits the effects, then takes the mean square of a level's effects (what is not
    known about them included) with the expected variance as if it were _EXPECTED effects more.
    """
    spread = {p: dict(levels) for p, levels in _START.items()}
    now: Fit | None = None
    counts: dict[tuple[str, str], int] = {}
    for _ in range(rounds):
        now = fit(problem, spread=spread, start=now)
        squares = now.value**2 + np.diag(now.covariance)
        sums: dict[tuple[str, str], float] = {}
        counts = {}
        for (p, level, _name), i in now.effects.index.items():
            sums[p, level] = sums.get((p, level), 0.0) + squares[i]
            counts[p, level] = counts.get((p, level), 0) + 1
        for (p, level), total in sums.items():
            if (p, level) in GIVEN:
                continue
            spread[p][level] = math.sqrt((_EXPECTED * _START[p][level] ** 2 + total) / (_EXPECTED + counts[p, level]))
    return spread, counts


def spread_csv(spread: Spread, counts: dict[tuple[str, str], int]) -> str:
    """The text of spread.csv, which is what fits start from."""
    lines = ["parameter,level,sd,effects"]
    lines += [f"{p},{level},{sd:.3g},{counts.get((p, level), 0)}" for p, levels in spread.items() for level, sd in levels.items()]
    return "\n".join(lines) + "\n"


def parameters_of(result: Fit, places: Sequence[Place]) -> np.ndarray:
    """(places, parameters), linked."""
    return centres(places) + np.column_stack([m @ result.value for m in result.effects.matrices(places)])


def log_variance(result: Fit, problem: Problem, linked: np.ndarray) -> np.ndarray:
    """Variance of the logarithm of each prediction that comes from what is not known about the parameters."""
    _, slopes = problem.jacobian(linked)
    matrices = result.effects.matrices(problem.places)
    whole = sum(sp.diags(slopes[:, k]) @ m for k, m in enumerate(matrices)).toarray()
    return np.einsum("ij,jk,ik->i", whole, result.covariance, whole)
