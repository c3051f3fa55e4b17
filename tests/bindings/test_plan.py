"""Months of a scenario's day, as Python has them."""

import io
import pathlib

import pandas as pd
import pytest
import tokwatt as tw
import xarray as xr
from tokwatt import export_csv, report_run, words

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


def test_the_report_has_the_months_and_what_others_ask(planned, results, tmp_path):
    page = report_run.html(planned)
    plan = planned.summary["plan"]
    assert words.usd(plan["cost_usd"]["value"]) in page and words.usd(plan["resale_usd"]["low"]) in page
    for name, rival in plan["against"].items():
        assert name in page and words.usd(rival["cost_usd"]["value"]) in page
    assert words.duration(plan["days"][-1]["ttft_s_p95"]) in page
    assert "Months of such days" not in report_run.html(results)


def test_the_months_are_a_table_of_csv(planned):
    table = pd.read_csv(io.StringIO(export_csv.text(planned, "plan")))
    assert table["month"].tolist() == list(range(13))
    assert table["cumulated_usd"].tolist() == pytest.approx(planned.plan["cumulated"].values.tolist())
    assert table["gpt-5-mini.cumulated_usd"].iloc[-1] == pytest.approx(planned.summary["plan"]["against"]["gpt-5-mini"]["cost_usd"]["value"])
    assert len(table.columns) == len(set(table.columns))


def test_a_rented_plan_has_a_report_too():
    rented = {"sheet": "dgx-spark", "rental": "0.8 USD/h"}
    plan = {"months": 3, "against": ["rent-h100"]}
    scenario = SCENARIO.parent / "twelve-people-on-a-spark.yaml"
    page = report_run.html(tw.run(scenario, set={"duration": "10 min", "systems.desk": rented, "prices": {"horizon": "24 months"}, "timeline": [], "plan": plan}))
    assert "Months of such days" in page and "if kept" not in page and "plan pays" in page
