"""The program's own calibration: `./dev calibrate`, which runs
`python -m tokwatt.population docs/validation/measurements.csv models/calibration bindings/tokwatt/spread.csv --served docs/validation/load`.

Writes what the effects are (a table for each engine, compiled into the program) and how far effects of a kind scatter
(spread.csv, from where people's own calibrations and the validation start).
"""

from __future__ import annotations

import argparse
import hashlib
import pathlib
import sys
from collections.abc import Sequence

import numpy as np

from . import _core, calibration, load_fit, measurements
from .calibration import DRAWS, PARAMETERS, Fit, Place, Problem

_NORMAL90 = 1.6448536269514722
# Beyond what a fit says of itself (docs/theory/calibration.md, "How far they hold"): by what factor effects are less well known,
# and by how much (standard deviation of the logarithm) people differ who measure the same.
DOUBT = 1.1
ANOTHER = 0.06


def spreads(problem: Problem, residual: np.ndarray, variance: np.ndarray, use: np.ndarray) -> dict[tuple[str, bool], float]:
    """Standard deviation of what another person will measure, by engine and by decode or prefill.

    What the fit leaves over, from the 90 % quantile of the residuals, which is what a 90 % interval must hold; a fit to rows
    takes from their residuals what it knows of them, which is added back. All engines together count as twenty rows of each.
    On top comes by how much people differ (ANOTHER).
    """
    out = {}
    engines = np.array([p.engine for p in problem.places])
    for decode in (False, True):
        of_kind = use & (problem.decode == decode)
        everyone = _spread(residual[of_kind], variance[of_kind])
        out["", decode] = everyone
        for engine in set(engines):
            chosen = of_kind & (engines == engine)
            n = chosen.sum()
            own = _spread(residual[chosen], variance[chosen]) if n else everyone
            out[engine, decode] = float(np.sqrt((n * own**2 + 20 * everyone**2) / (n + 20)))
    return {place: float(np.hypot(left_over, ANOTHER)) for place, left_over in out.items()}


def _spread(residual: np.ndarray, variance: np.ndarray) -> float:
    total = np.quantile(np.abs(residual), 0.9) / _NORMAL90
    return float(np.sqrt(total**2 + np.median(variance)))


def _seed(*words: str) -> int:
    return int.from_bytes(hashlib.sha256("|".join(words).encode()).digest()[:8], "little")


class Drawn:
    """Joint draws of all effects; those that no measurement has touched are drawn from their prior, by their name."""

    def __init__(self, fit: Fit) -> None:
        self.fit = fit
        factor = np.linalg.cholesky(fit.covariance + 1e-12 * np.eye(len(fit.value)))
        draws = DOUBT * np.random.default_rng(_seed("effects")).standard_normal((DRAWS, len(fit.value))) @ factor.T
        self.known = self._centred(draws)

    @staticmethod
    def _centred(draws: np.ndarray) -> np.ndarray:
        n = len(draws)
        return (draws - draws.mean(axis=0)) * np.sqrt(n / (n - 1))

    def of(self, place: Place, without: Place | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Effects of a place (less those of another) on each parameter, linked: (value, draws by parameter)."""
        of = self.fit.effects.of
        keys = set(of(place)) - (set(of(without)) if without else set())
        value = dict.fromkeys(PARAMETERS, 0.0)
        draws = {p: np.zeros(DRAWS) for p in PARAMETERS}
        for key in sorted(keys):
            p, level, _ = key
            at = self.fit.effects.index.get(key)
            if at is None:
                z = np.random.default_rng(_seed(*key)).standard_normal((DRAWS, 1))
                draws[p] = draws[p] + DOUBT * self._centred(z)[:, 0] * self.fit.effects.scatter[p][level]
            else:
                value[p] += self.fit.value[at]
                draws[p] = draws[p] + self.known[:, at]
        for p, (base, _) in calibration._ADDED_TO.items():
            value[p] += value[base]
            draws[p] = draws[p] + draws[base]
        return np.array([value[p] for p in PARAMETERS]), np.array([draws[p] for p in PARAMETERS])


def _line(level: str, name: str, parameter: str, value: float, draws: np.ndarray, rows: int, natural: bool) -> str:
    low = high = ""
    shown = value
    if natural:
        shown = calibration.unlink(parameter, value)
        deviation = float(np.sqrt((draws**2).mean()))
        low = f"{calibration.unlink(parameter, value - _NORMAL90 * deviation):.3g}"
        high = f"{calibration.unlink(parameter, value + _NORMAL90 * deviation):.3g}"
    text = " ".join(f"{d:.3g}" for d in draws)
    return f"{level},{name},{parameter},{shown:.4g},{low},{high},{rows},{text}"


_UNKNOWN = "?"  # a name that no effect has: what is drawn for it is what its kind scatters


def tables(fit: Fit, problem: Problem, spread: dict[tuple[str, bool], float]) -> dict[str, list[str]]:
    """Lines of models/calibration/ENGINE.csv by engine.

    An architecture's lines stand for its boxes without measurements, an engine's for those of other architectures: their
    draws hold how far boxes and architectures scatter. The same of the kernels and families called "other". A box on which
    an engine was only measured with old builds is as it was measured.
    """
    drawn = Drawn(fit)
    systems = _core.calibrated_systems()
    measured_boxes = {p.box for p in problem.places}
    counts: dict[tuple[str, str], int] = {}
    for p in problem.places:
        counts[p.engine, p.box] = counts.get((p.engine, p.box), 0) + 1
    only_old = counts.keys() - {(p.engine, p.box) for p in problem.places if not p.old}
    out = {}
    for engine, group, backends in _core.calibrated_engines():
        lines = ["level,name,parameter,value,low,high,rows,draws"]
        here = [s for s in systems if set(s[2]) & set(backends)]
        architectures = sorted({a for _, a, _ in here})
        # The parameters of quantised weights are the base: what others add is relative to them.
        plain = Place(engine, group, "", "", "", "")
        quantised = calibration.centres([Place(engine, group, "", "", "k", "")])[0]

        def add(level: str, name: str, architecture: str, box: str, rows: int, old: bool = False) -> None:
            value, draws = drawn.of(Place(engine, group, architecture, box, "", "", old=old))
            for i, p in enumerate(PARAMETERS):
                lines.append(_line(level, name, p, value[i] + quantised[i], draws[i], rows, True))
            for kind, decode in (("prefill", False), ("decode", True)):
                of = spread.get((engine, decode), spread["", decode])
                lines.append(f"{level},{name},spread_{kind},{of:.3g},,,{rows},")

        add("engine", "", _UNKNOWN, _UNKNOWN, sum(n for (e, _), n in counts.items() if e == engine))
        for a in architectures:
            add("architecture", a, a, _UNKNOWN, sum(counts.get((engine, s[0]), 0) for s in systems if s[1] == a))
        for box, a, _ in here:
            if box in measured_boxes:
                add("box", box, a, box, counts.get((engine, box), 0), (engine, box) in only_old)
        for unpack in (*_core.unpack_families(), _OTHER):
            place = Place(engine, group, "", "", _UNKNOWN if unpack == _OTHER else unpack, "")
            value, draws = drawn.of(place, plain)
            _added(lines, "quant", unpack, value + calibration.centres([place])[0] - quantised, draws)
        families = sorted({p.family for p in problem.places if p.group == group})
        for family in (*families, _OTHER):
            _added(lines, "family", family, *drawn.of(Place(engine, group, "", "", "", _UNKNOWN if family == _OTHER else family), plain))
        _added(lines, "flash_attention", "off", *drawn.of(Place(engine, group, "", "", "", "", False), plain))
        out[engine] = lines
    return out


_OTHER = "other"


def _added(lines: list[str], level: str, name: str, value: np.ndarray, draws: np.ndarray) -> None:
    for i, p in enumerate(PARAMETERS):
        if value[i] != 0 or np.any(draws[i]):
            lines.append(_line(level, name, p, value[i], draws[i], 0, False))


def problem_of(rows: Sequence[measurements.Measurement]) -> Problem:
    """Measurements as a problem of calibration."""
    return Problem([r.test for r in rows], [r.rate for r in rows], [not r.clean for r in rows])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tokwatt.population", description=__doc__)
    parser.add_argument("measurements")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("spread", type=pathlib.Path)
    parser.add_argument("--served", type=pathlib.Path, help="folder of served runs, which the fit is to match too")
    options = parser.parse_args(arguments)
    rows = measurements.read(options.measurements, clean=False)
    problem = problem_of(rows)
    spread_of_effects, effects = calibration.scatter(problem)
    options.spread.write_text(calibration.spread_csv(spread_of_effects, effects))
    result = calibration.best_fit(problem, spread=spread_of_effects)
    whole = problem
    if options.served:
        whole = load_fit.WithServed(problem, load_fit.trials(options.served))
        result = load_fit.fit(whole, result, spread=spread_of_effects)
    for i, error in sorted(problem.errors.items()):
        print(f"left out: {rows[i].id} {rows[i].test}: {error.splitlines()[0]}", file=sys.stderr)
    linked = calibration.parameters_of(result, problem.places)
    residual = problem.measured - problem.predicted(linked)
    variance = calibration.log_variance(result, problem, linked)
    spread = spreads(problem, residual, variance, ~problem.careful)
    options.folder.mkdir(parents=True, exist_ok=True)
    for engine, lines in tables(result, whole, spread).items():
        (options.folder / f"{engine}.csv").write_text("\n".join(lines) + "\n")
    for decode in (True, False):
        errors = np.abs(np.expm1(-residual[(problem.decode == decode) & ~problem.careful]))
        kind = "decode" if decode else "prefill"
        print(f"{kind}: {len(errors)} rows, median error {np.median(errors):.1%}, 90 % below {np.quantile(errors, 0.9):.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
