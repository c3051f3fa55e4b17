"""Fits one engine on one box to measurements of that very box.

The prior is what the program believes of the pair already, as points and joint draws, made wider by how one box
differs from others of its kind. Unknown are the thirteen parameters, and what the kernels of the measured weights and
the families of the measured models add to them (docs/theory/calibration.md).
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import math
from collections.abc import Sequence

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from . import calibration
from .calibration import _NU, _SPREAD, DRAWS, PARAMETERS, Problem

NORMAL90 = 1.6448536269514722
# Of the spread between boxes (and kernels on boxes) that the population has, what is left between two of one kind:
# another driver, build, or room.
_OWN = 0.5
_OWN_KERNELS = 0.3
_OWN_FORMATS = 0.4
# So many rows weigh as much as the spread that the engine has elsewhere.
_ROWS_OF_PRIOR = 20
# Scale of the Student-t that is likeliest for normal errors, in standard deviations of theirs.
_T_SCALE = 0.8

Block = tuple[str, str]  # ("base", ""), ("by_unpack", "k"), ("by_family", "llama")


@dataclasses.dataclass
class Prior:
    """Unknowns: deviations from what is believed, on the scales of the links."""

    blocks: list[Block]
    index: dict[tuple[Block, str], int]
    point: np.ndarray
    draws: np.ndarray  # (DRAWS, unknowns)
    covariance: np.ndarray
    spread: dict[bool, float]  # by decode
    fixed: tuple[bool, ...]

    def columns(self, block: Block) -> list[tuple[str, int]]:
        """Parameters of a block, and where they stand."""
        return [(p, self.index[block, p]) for p in PARAMETERS if (block, p) in self.index]


def _normal(*words: str) -> np.ndarray:
    """Draws by name, centred: the same ones wherever the name occurs."""
    seed = int.from_bytes(hashlib.sha256("|".join(words).encode()).digest()[:8], "little")
    z = np.random.default_rng(seed).standard_normal(DRAWS)
    return (z - z.mean()) * np.sqrt(DRAWS / (DRAWS - 1))


def shrunk(draws: np.ndarray, groups: Sequence[str]) -> np.ndarray:
    """Covariance from few draws. Correlations between groups are drawn to zero as far as they are noise; those within
    one, of what adds up to one parameter, stay: a parameter may be known well whose parts are not.

    Schaefer and Strimmer, "A shrinkage approach to large-scale covariance matrix estimation", 2005.
    """
    n = len(draws)
    sd = np.sqrt((draws**2).sum(axis=0) / n)
    z = draws / sd
    products = z[:, :, None] * z[:, None, :]
    r = products.mean(axis=0)
    variance = products.var(axis=0) / (n - 1)
    apart = np.not_equal.outer(np.array(groups), np.array(groups))
    weight = min(1.0, variance[apart].sum() / max((r[apart] ** 2).sum(), 1e-12)) if apart.any() else 0.0
    r = np.where(apart, (1 - weight) * r, r)
    # Fewer draws than unknowns leave directions without variance.
    return (0.98 * r + 0.02 * np.eye(len(sd))) * np.outer(sd, sd)


def prior_of(believed: dict, unpacks: Sequence[str], families: Sequence[str]) -> Prior:
    """The prior of an engine on a box (`_core.believed`), for some kernels and families of models."""
    blocks: list[Block] = [
        ("base", ""),
        *(("by_unpack", u) for u in sorted(unpacks) if u),
        *(("by_family", f) for f in sorted(families) if f),
    ]
    index: dict[tuple[Block, str], int] = {}
    points, columns = [], []
    for block in blocks:
        level, name = block
        known = believed["base"] if level == "base" else known_of(believed, level, name)
        for i, p in enumerate(PARAMETERS):
            if believed["fixed"][i]:
                continue
            draws = np.array([d[i] for d in known["draws"]]) if known and known["draws"] else np.zeros(DRAWS)
            draws = draws + _normal("own", believed["box"], believed["engine"], level, name, p) * _own_spread(p, level)
            if not draws.any():
                continue
            index[block, p] = len(points)
            points.append(known["value"][i] if known else 0.0)
            columns.append(draws)
    draws = np.array(columns).T if columns else np.zeros((DRAWS, 0))
    return Prior(
        blocks,
        index,
        np.array(points),
        draws,
        shrunk(draws, [p for _, p in index]) if columns else np.zeros((0, 0)),
        {False: believed["spread_prefill"], True: believed["spread_decode"]},
        tuple(believed["fixed"]),
    )


def known_of(believed: dict, level: str, name: str) -> dict | None:
    """What some weights or models add, as models/engine.cpp finds it: by their name, else what is said of others."""
    return believed[level].get(name) or believed[level].get("other")


def _own_spread(parameter: str, level: str) -> float:
    """How one box differs from what the fit to all boxes says of it, beyond its draws."""
    spread = _SPREAD[parameter]
    if level == "base":
        return _OWN * math.hypot(spread.get("box", 0.0), spread.get("on", 0.0))
    if level == "by_unpack" and (parameter, "unpack") in calibration.GIVEN:
        return _OWN_FORMATS  # the fit to all boxes holds formats together; a box's own rows may tell them apart
    return _OWN_KERNELS * spread.get("unpack" if level == "by_unpack" else "family", 0.0)


@dataclasses.dataclass
class Posterior:
    """What is known after the measurements."""

    prior: Prior
    shift: np.ndarray  # of the unknowns
    covariance: np.ndarray
    draws: np.ndarray
    spread: dict[bool, float]
    before: np.ndarray  # log predictions
    after: np.ndarray
    slopes: np.ndarray  # (rows, unknowns) of the log predictions
    information: np.ndarray  # of each row

    @property
    def point(self) -> np.ndarray:
        return self.prior.point + self.shift


def matrices_of(prior: Prior, problem: Problem) -> list[sp.csr_matrix]:
    """For each parameter, (rows, unknowns): what adds up to it."""
    of = [(("base", ""), ("by_unpack", place.unpack), ("by_family", place.family)) for place in problem.places]
    blocks = np.array([[_position(prior, block) for block in three] for three in of])
    out = []
    for p in PARAMETERS:
        columns = np.array([prior.index.get((block, p), -1) for block in prior.blocks] + [-1])[blocks]
        rows = np.nonzero(columns >= 0)[0]
        shape = (len(problem.rows), len(prior.point))
        out.append(sp.csr_matrix((np.ones(len(rows)), (rows, columns[columns >= 0])), shape))
    return out


def _position(prior: Prior, block: Block) -> int:
    """Where a block stands; behind the last where the prior has none."""
    return prior.blocks.index(block) if block in prior.blocks else len(prior.blocks)


def weights_of(problem: Problem) -> np.ndarray:
    """Repetitions of one test count as one: what they share is what the model gets wrong."""
    keys = [tuple(sorted((k, str(v)) for k, v in row.items())) for row in problem.rows]
    times = collections.Counter(keys)
    return np.array([1 / times[key] for key in keys])


def fit(problem: Problem, prior: Prior, use: np.ndarray) -> Posterior:
    """Most probable unknowns for the rows that `use` weighs; the spread is estimated on the way."""
    matrices = matrices_of(prior, problem)
    centre = np.array([a["tuning"] for a in problem.about])
    precision = scipy.linalg.inv(prior.covariance)
    before = np.minimum(problem.predicted(centre), problem.bound)
    spread, shift = dict(prior.spread), None
    for _ in range(2):
        scale = _T_SCALE * np.where(problem.decode, spread[True], spread[False])
        shift, _ = calibration.most_probable(
            problem, centre, matrices, precision, scale=scale, use=use, start=shift, iterations=60, enough=1e-7
        )
        linked = centre + np.column_stack([m @ shift for m in matrices])
        at, by_parameter = problem.jacobian(linked)
        slopes = np.asarray(sum(sp.diags(by_parameter[:, k]) @ m for k, m in enumerate(matrices)).todense())
        residual = problem.measured - at
        student = (_NU + 1) / (_NU + (residual / scale) ** 2)
        # Fisher's information of a Student-t is (nu + 1) / (nu + 3); rows far off have less.
        information = use * student * (_NU + 1) / (_NU + 3) / scale**2
        covariance = scipy.linalg.inv(slopes.T @ (slopes * information[:, None]) + precision)
        spread = _spread(
            problem, prior, use, residual, student, np.einsum("ij,jk,ik,i->i", slopes, covariance, slopes, information)
        )
    return Posterior(
        prior,
        shift,
        covariance,
        prior.draws @ transport(prior.covariance, covariance).T,
        spread,
        before,
        np.minimum(at, problem.bound),
        slopes,
        information,
    )


def _spread(
    problem: Problem, prior: Prior, use: np.ndarray, residual: np.ndarray, student: np.ndarray, fitted: np.ndarray
) -> dict[bool, float]:
    """Standard deviations of what is left, drawn towards the engine's elsewhere; each fitted unknown costs a row."""
    out = {}
    for decode in (False, True):
        chosen = (problem.decode == decode) & (use > 0)
        left = max(use[chosen].sum() - fitted[chosen].sum(), 0.0)
        square = (use * student * residual**2)[chosen].sum() / _T_SCALE**2
        own = square / left if left > 0.5 else prior.spread[decode] ** 2
        # Few rows that happen to agree, or not to, say little.
        own = min(own, 25 * prior.spread[decode] ** 2)
        out[decode] = math.sqrt((left * own + _ROWS_OF_PRIOR * prior.spread[decode] ** 2) / (left + _ROWS_OF_PRIOR))
    return out


def transport(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The map that makes draws of one covariance draws of another and moves them least.

    So the k-th draws keep belonging together, and to those that were not fitted. Dowson and Landau, 1982.
    """
    if not len(before):
        return before
    root = _root(before)
    inverse = scipy.linalg.inv(root)
    return inverse @ _root(root @ after @ root) @ inverse


def _root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = scipy.linalg.eigh((matrix + matrix.T) / 2)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


@dataclasses.dataclass
class Estimate:
    """One parameter, for some weights and models, before and after."""

    parameter: str
    before: float  # natural units
    after: float
    low: float
    high: float
    taken: float  # part of the prior's variance that the tests took away
    by: list[tuple[str, int, float]]  # tests, rows, part that they alone would have taken
    fixed: bool


def estimates(
    problem: Problem, fitted: Posterior, unpack: str, family: str, tests: Sequence[str], tuning: np.ndarray
) -> list[Estimate]:
    """Every parameter for some weights and models; `tests` are the rows' kinds, `tuning` what was believed, linked."""
    prior = fitted.prior
    precision = scipy.linalg.inv(prior.covariance)
    alone = {}
    for name in sorted(set(tests)):
        rows = np.array([t == name for t in tests]) & (fitted.information > 0)
        slopes = fitted.slopes[rows]
        alone[name] = (
            int(rows.sum()),
            scipy.linalg.inv(slopes.T @ (slopes * fitted.information[rows, None]) + precision),
        )
    out = []
    for i, p in enumerate(PARAMETERS):
        a = np.zeros(len(prior.point))
        for block in (("base", ""), ("by_unpack", unpack), ("by_family", family)):
            if (block, p) in prior.index:
                a[prior.index[block, p]] = 1
        natural = [calibration.unlink(p, x) for x in (tuning[i], tuning[i] + a @ fitted.shift)]
        if prior.fixed[i] or not a.any():
            out.append(Estimate(p, *natural, natural[1], natural[1], 0, [], True))
            continue
        had, has = a @ prior.covariance @ a, a @ fitted.covariance @ a
        half = NORMAL90 * math.sqrt(has)
        by = [(name, rows, 1 - (a @ c @ a) / had) for name, (rows, c) in alone.items()]
        ends = [calibration.unlink(p, tuning[i] + a @ fitted.shift + d) for d in (-half, half)]
        out.append(Estimate(p, *natural, *ends, 1 - has / had, sorted(by, key=lambda b: -b[2]), False))
    return out
