"""The calibration that comes with the program, against the measurements that it was fitted to."""

import pathlib

import numpy as np
import pytest

from tokwatt import calibration, measurements, population, validation

ROOT = pathlib.Path(__file__).parents[2]
MEASUREMENTS = ROOT / "docs/validation/measurements.csv"
NORMAL90 = 1.6448536269514722


@pytest.fixture(scope="module")
def rows():
    return measurements.read(MEASUREMENTS)


@pytest.fixture(scope="module")
def problem(rows):
    return population.problem_of(rows)


def test_every_clean_row_is_scored_or_has_a_reason(rows, problem):
    import csv

    with open(MEASUREMENTS, newline="") as file:
        clean = [r for r in csv.DictReader(file) if r["clean"] == "1"]
    reasons = [measurements.why_unused(r) for r in clean]
    assert reasons.count("") == len(rows) == len(problem.rows)
    assert set(reasons) == {"", "served, not batched: the server's protocol counts as much as its kernels"}


def test_the_tables_in_the_program_predict_what_they_were_fitted_to(rows, problem):
    tuning = np.array([a["tuning"] for a in problem.about])
    # Old builds differ by an effect that the tables hold only for boxes without newer ones.
    today = np.array([not r.test.get("old", False) for r in rows])
    residual = problem.measured - problem.predicted(tuning)
    error = np.abs(np.expm1(-residual))
    for decode, median, p90 in ((True, 0.05, 0.15), (False, 0.08, 0.40)):
        chosen = today & (problem.decode == decode)
        assert np.median(error[chosen]) < median
        assert np.quantile(error[chosen], 0.9) < p90


def test_the_intervals_in_the_program_hold_nine_of_ten_rows(rows, problem):
    today = np.array([not r.test.get("old", False) for r in rows])
    tuning = np.array([a["tuning"] for a in problem.about])
    at = problem.predicted(tuning)
    draws = np.array([problem.predicted(np.array([a["draws"][k] for a in problem.about])) for k in range(calibration.DRAWS)])
    spread = np.array([a["spread_decode" if d else "spread_prefill"] for a, d in zip(problem.about, problem.decode, strict=True)])
    half = NORMAL90 * np.sqrt(((draws - at) ** 2).mean(axis=0) + spread**2)
    inside = np.abs(problem.measured - at) <= half
    for decode in (True, False):
        assert 0.85 < inside[today & (problem.decode == decode)].mean() < 0.99


def test_only_the_rows_that_the_report_names_are_above_the_roofline(rows, problem):
    above = {r.id for r, measured, bound in zip(rows, problem.measured, problem.bound, strict=True) if measured > bound}
    report = (ROOT / "docs/validation.md").read_text()
    section = report[report.index("## Rows above the roofline") : report.index("## Clean rows that are not scored")]
    assert len(above) < 5
    assert all(f"| {identifier} | yes |" in section for identifier in above)


def test_rows_that_are_left_out_do_not_tell(rows):
    some = [r for r in rows if r.test["system"] == "dgx-spark"][::4]
    problem = population.problem_of(some)
    names = ["vllm" if p.engine == "vllm" else "other" for p in problem.places]
    out = np.array(names) == "vllm"
    assert out.any() and not out.all()
    first = validation.leave_out(problem, names, ["vllm"], lambda _: None)
    before = problem.measured.copy()
    problem.measured = before + np.where(out, 1.0, 0.0)
    second = validation.leave_out(problem, names, ["vllm"], lambda _: None)
    np.testing.assert_allclose((second.residual - first.residual)[out], 1.0, atol=1e-9)
    np.testing.assert_allclose(second.half[out], first.half[out], rtol=1e-9)
    assert np.isnan(first.residual[~out]).all()

