"""Months of a scenario's day, as Python has them."""

import pathlib

import pytest
import tokwatt as tw
import xarray as xr

SCENARIO = pathlib.Path(__file__).parents[2] / "scenarios" / "a-team-that-grows-for-three-years.yaml"
SHORT = {"duration": "10 min", "plan.months": 12, "plan.shocks": [], "plan.wait": [3]}


@pytest.fixture(scope="module")
def planned():
    return tw.run(SCENARIO, set=SHORT)


def test_the_plan_is_a_table_by_month(planned):
    plan = planned.plan
    assert isinstance(plan, xr.Dataset)
    assert plan.sizes["month"] == 13
    assert plan.cumulated.attrs["units"] == "USD"
    assert list(plan.against.values) == ["hosted-gpt-oss-120b", "gpt-5-mini", "gpt-5.6-luna", "rent-h100"]
    rows = planned.summary["plan"]["table"]
    assert [row["cumulated_usd"] for row in rows] == plan.cumulated.values.tolist()
    assert plan.against_cumulated.dims == ("month", "against")


def test_a_file_holds_it_too(planned, tmp_path):
    path = tmp_path / "plan.h5"
    planned.save(path)
    again = tw.open_results(path)
    xr.testing.assert_identical(again.plan, planned.plan)
    assert again.summary["plan"] == planned.summary["plan"]
    xr.testing.assert_equal(xr.open_dataset(path, group="plan", engine="h5netcdf").cumulated, planned.plan.cumulated)


def test_a_scenario_without_a_plan_has_none(results):
    with pytest.raises(KeyError, match="the scenario has none"):
        results.plan  # noqa: B018
    assert not hasattr(results, "plan")
