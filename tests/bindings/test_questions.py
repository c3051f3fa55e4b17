"""tokwatt.compare, capacity, sensitivity, explain: what the commands say, as Python has it."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import tokwatt as tw

SHORT = {"duration": "3 min", "timeline": []}
BOXES = ["spark", "m3-ultra-512", "rtx-4090"]


def said(*arguments):
    program = pathlib.Path(sys.executable).parent / "tokwatt"
    sets = ["--set", "duration=3 min", "--set", "timeline=[]"]
    return json.loads(subprocess.run([program, *arguments, *sets, "-o", "json"], check=True, capture_output=True, text=True).stdout)


@pytest.fixture(scope="module")
def comparison(scenario):
    return tw.compare(scenario, systems=BOXES, set=SHORT)


def test_requests_that_a_box_loses_have_rows(comparison):
    assert "requests rejected" not in comparison._repr_html_()
    served = {"model": "llama-3.1-8b", "quant": "q4_k_m", "engine": "llama.cpp-cuda", "runs_on": "pc", "limits": {"max_model_len": 4096}}
    loses = {
        "duration": "5 min",
        "systems": {"pc": {"sheet": "spark"}},
        "deployments": {"chat": served},
        "workload": [{"name": "all", "to": "chat", "users": 8, "think": "1 s", "prompt": {"uniform": [100, 5000]}, "output": 50}],
    }
    page = tw.compare(loses, systems=["spark", "rtx-4090"])._repr_html_()
    assert "requests rejected" in page and "requests timed out" not in page


def test_boxes_are_compared_as_the_command_does(comparison, scenario):
    answers = said("compare", scenario, "--system", ",".join(BOXES))
    assert comparison.summaries == {a["system"]: a["summary"] for a in answers if "summary" in a}
    assert comparison.boxes["status"].tolist() == ["ok", "ok", "does not fit"]
    assert comparison.boxes.loc["m3-ultra-512", "engine"] == "llama.cpp-metal"
    assert "weights" in comparison.boxes.loc["rtx-4090", "verdict"] and "Limited by" in comparison.boxes.loc["spark", "verdict"]
    table = comparison.table
    assert table.loc["ttft_s.p95", "spark"] == comparison.summaries["spark"]["ttft_s"]["p95"]
    assert table["rtx-4090"].isna().all() and table.attrs["units"]["ttft_s.p95"] == "s"
    ratio = table.loc["ttft_s.p95", "m3-ultra-512"] / table.loc["ttft_s.p95", "spark"] - 1
    assert comparison.differences.loc["ttft_s.p95", ("m3-ultra-512", "difference")] == pytest.approx(ratio)
    kelvin = table.loc["temperature_c.max", "m3-ultra-512"] - table.loc["temperature_c.max", "spark"]
    assert comparison.differences.loc["temperature_c.max", ("m3-ultra-512", "difference")] == pytest.approx(kelvin)
    page = comparison._repr_html_()
    assert "first token, p95" in page and "llama.cpp-metal" in page and "In brackets" not in page
    assert len(comparison.plot().data) == 1


def test_what_is_said_of_the_own_box_is_not_carried_over(comparison, scenario):
    priced = tw.compare(scenario, systems=BOXES, set={**SHORT, "prices.hardware": "1 USD"})
    assert comparison.left_out == {} and "its own box" not in comparison._repr_html_()
    assert priced.left_out == {"m3-ultra-512": ["prices.hardware"], "rtx-4090": ["prices.hardware"]}
    assert "prices.hardware of its own box; left out for m3-ultra-512, rtx-4090" in priced._repr_html_()
    hardware = priced.table.loc["cost_usd.hardware"]
    assert hardware["spark"] < 1e-3 and hardware["m3-ultra-512"] == comparison.table.loc["cost_usd.hardware", "m3-ultra-512"]


def test_differences_have_intervals_from_joint_draws(scenario):
    compared = tw.compare(scenario, systems=["spark", "rtx-pro-6000"], set=SHORT, interval=True)
    of = compared.differences.loc["tpot_s.p50", "rtx-pro-6000"]
    assert of["low"] < of["high"] < 0
    ranges = compared.interval90.loc["tpot_s.p50"]
    # The same draws on both boxes: the difference is known better than if each were drawn by itself.
    apart = [ranges["rtx-pro-6000", "low"] / ranges["spark", "high"] - 1, ranges["rtx-pro-6000", "high"] / ranges["spark", "low"] - 1]
    assert apart[0] <= of["low"] and of["high"] <= apart[1]
    same = tw.compare(scenario, systems=["spark", "dgx-spark"], set=SHORT, interval=True)
    drawn = same.differences.dropna()
    assert len(drawn) > 20 and (drawn == 0).to_numpy().all()
    assert "In brackets" in compared._repr_html_() and compared.plot().data[0].error_x.array is not None


def test_capacity_is_what_the_command_finds(scenario):
    slo = "ttft_p95<2s,tpot_p95<70ms"
    found = tw.capacity(scenario, slo=slo.split(","), set=SHORT)
    answer = said("capacity", scenario, "--slo", slo)
    assert (found.key, found.within, found.beyond) == (answer["key"], answer["within"], answer["beyond"])
    assert found.tried.index.tolist() == [t["load"] for t in answer["tried"]]
    assert found.bounds == {"ttft_s.p95": 2.0, "tpot_s.p95": 0.07}
    assert found.tried.loc[found.within, "within"] and found.tried.loc[found.beyond, "broken"] == "tpot_s.p95"
    assert found.interval90 is None and f"{found.within:g} keeps" in repr(found) and "Limited by" in found._repr_html_()
    assert len(found.plot().data) == 2
    with pytest.raises(tw.InputError) as caught:
        tw.capacity(scenario, slo="tpot_p96<1s")
    assert caught.value.errors[0].file == "--slo"
    nothing = tw.capacity(scenario, slo="tpot_p95<1us", set=SHORT)
    assert nothing.within is None and "Not even" in nothing._repr_html_()


def test_capacity_has_an_interval(scenario):
    found = tw.capacity(scenario, slo="tpot_p95<70ms", set=SHORT | {"duration": "2 min"}, interval=True)
    low, high = found.interval90
    assert 1 <= low < high and low == round(low) and high == round(high)
    assert f"90 %: {low:g} to {high:g}" in repr(found)
    assert len(found.plot().layout.shapes) >= 2


def test_sensitivity_is_a_table(scenario):
    table = tw.sensitivity(scenario, metrics=["tpot_s.mean", "cost_usd.hardware"], set=SHORT)
    assert table.loc["desk: price.purchase", "cost_usd.hardware"] == pytest.approx(0.01, rel=1e-6)
    assert table.loc["desk: memory.bandwidth", "tpot_s.mean"] < 0 and table.loc["desk: memory.bandwidth", "change"] == "+1 %"
    answer = said("sensitivity", scenario, "--metrics", "tpot_s.mean,cost_usd.hardware")
    assert table.attrs["chance"] == answer["chance"] and table.index.tolist() == [n["name"] for n in answer["numbers"]]


def test_explain_adds_up(results, tmp_path):
    table = tw.explain(results)
    part = table.loc["assistant"]
    assert part.loc["request", "amount"].sum() == pytest.approx(results.summary["e2e_s"]["mean"], rel=1e-9)
    assert part.loc["energy", "amount"].sum() == pytest.approx(results.summary["energy_j"]["wall"], rel=1e-9)
    assert part.loc["box", "share"].sum() == pytest.approx(1) and part.loc["saves", "share"].is_monotonic_decreasing
    assert table.attrs["missing"] == []
    results.save(tmp_path / "out.h5")
    pd.testing.assert_frame_equal(tw.explain(tmp_path / "out.h5"), table)
    program = pathlib.Path(sys.executable).parent / "tokwatt"
    answer = json.loads(subprocess.run([program, "explain", tmp_path / "out.h5", "-o", "json"], check=True, capture_output=True, text=True).stdout)
    assert answer["assistant"]["request_by"] == part.loc["request", "amount"].to_dict()


def test_mappings_and_loaded_scenarios_can_be_asked(scenario):
    yaml = pytest.importorskip("yaml")
    mapping = yaml.safe_load(scenario.read_text())
    slo = "tpot_p95<70ms"
    answers = [tw.capacity(asked, slo=slo, set=SHORT).within for asked in (scenario, mapping)]
    answers.append(tw.capacity(tw.load(scenario, set=SHORT), slo=slo).within)
    assert len(set(answers)) == 1
    with pytest.raises(tw.InputError, match="did you mean"):
        tw.compare(scenario, systems=["sparc"])
    with pytest.raises(ValueError, match="systems is empty"):
        tw.compare(scenario, systems=[])


def test_apis_ask_for_the_same_tokens(scenario):
    compared = tw.compare(scenario, systems=["spark", "rtx-4090"], apis=["gpt-5-mini"], set=SHORT)
    answers = said("compare", scenario, "--system", "spark,rtx-4090", "--api", "gpt-5-mini")
    assert compared.api_usd.loc["gpt-5-mini"].to_dict() == {"spark": answers[0]["api_usd"]["gpt-5-mini"]}
    assert "at gpt-5-mini" in compared._repr_html_()
    with pytest.raises(tw.InputError, match="did you mean"):
        tw.compare(scenario, systems=["spark"], apis=["gpt-5-mino"])


def test_numbers_that_are_null_are_missing(scenario):
    compared = tw.compare(scenario, systems="spark", set=SHORT)
    assert np.isnan(compared.table.loc["goodput_per_s", "spark"])


def test_a_box_is_not_compared_with_itself_by_the_same_name(scenario):
    with pytest.raises(ValueError, match="systems has spark twice"):
        tw.compare(scenario, systems=["spark", "m3-ultra-512", "spark"])
