"""tokwatt.whatif: each slider changes what it says, and the answer is that of a run."""

import json
import pathlib
import re

import pytest
import tokwatt as tw

pytest.importorskip("ipywidgets")

ROOT = pathlib.Path(__file__).parents[2]
CLOUD = ROOT / "scenarios/the-cloud-instead.yaml"


def scenario_of(*, box=None, served=None, systems=None, deployments=None, **more):
    """A minute of four people at a model on a card; with what a test changes."""
    deployment = {"model": "llama-3.1-8b", "quant": "awq-int4", "engine": "vllm", "runs_on": "desk", **(served or {})}
    return {
        "duration": "1 min",
        "systems": {**(systems or {}), "desk": {"sheet": "rtx-4090", **(box or {})}},
        "deployments": {**(deployments or {}), "chat": {key: value for key, value in deployment.items() if value is not None}},
        "workload": [{"name": "people", "to": "chat", "users": 4, "think": "5 s", "prompt": 200, "output": 50}],
        **more,
    }


def untouched(scenario):
    """The widget of a scenario, which answers as a run does until somebody moves a control."""
    widget = tw.whatif(scenario)
    assert widget.set() == {}
    assert widget.results.summary == tw.run(scenario, interval="off").summary
    return widget


@pytest.fixture
def widget(scenario, short):
    return tw.whatif(scenario, set=short)


def test_it_begins_with_the_scenario_as_it_is(widget, scenario, short):
    assert widget.set() == {}
    assert widget.results.summary == tw.run(scenario, set=short, interval="off").summary
    assert widget.results.summary == widget._before
    assert {name: control.value for name, control in widget.controls.items()} == {
        "users": 12,
        "ambient": 22.0,
        "price": 0.15,
        "power_limit": 100.0,
        "quant": "mxfp4",
    }


@pytest.mark.parametrize(
    ("name", "value", "path", "text"),
    [
        ("users", 24, "workload.0.users", 24),
        ("ambient", 45.0, "environment.ambient", "45 degC"),
        ("price", 0.4, "prices.electricity", "0.4 USD/kWh"),
        ("power_limit", 60.0, "systems.desk.power.limit", "60 W"),
    ],
)
def test_a_slider_is_the_run_with_that_value(widget, scenario, short, name, value, path, text):
    before = widget._page.value
    widget.controls[name].value = value
    expected = tw.run(scenario, set={**short, path: text}).summary
    assert widget.results.summary["energy_j"] == expected["energy_j"]
    assert widget.results.summary["cost_usd"] == expected["cost_usd"]
    assert widget._page.value != before


def test_what_cannot_be_done_is_said_and_left_again(widget):
    widget.controls["quant"].options = [*widget.controls["quant"].options, "bf16"]
    widget.controls["quant"].value = "bf16"
    assert widget.results is None and "cannot be done" in widget._page.value and "GB" in widget._page.value
    widget.controls["quant"].value = "mxfp4"
    assert widget.results is not None and "First token" in widget._page.value


def test_what_a_scenario_does_not_have_gets_no_slider(scenario, short):
    stream = {"name": "calls", "to": "assistant", "arrivals": {"process": "poisson", "rate": "1/s"}, "prompt": 100, "output": 20}
    assert "users" not in tw.whatif(scenario, set={**short, "workload": [stream]}).controls


def test_a_hosted_model_has_what_its_people_do():
    widget = tw.whatif(CLOUD, set={"duration": "5 min"})
    assert list(widget.controls) == ["users"]
    widget.controls["users"].value = 3
    assert widget.results is not None and widget.results.summary["requests"]["submitted"] > 0


@pytest.mark.parametrize(
    ("box", "starts_at"),
    [
        ({}, 450),
        ({"mode": "pl-270"}, 270),
        ({"mode": "pl-270", "power": {"limit": "300 W"}}, 300),
        ({"power": {"limit": "0.07 kW"}}, 70),
        ({"power": {"limit": {"value": "70 W", "source": "x"}}}, 70),
    ],
)
def test_the_power_limit_begins_where_the_box_has_it(box, starts_at):
    limit = untouched(scenario_of(box=box)).controls["power_limit"]
    assert limit.value == starts_at and limit.max == 450


def test_a_control_that_went_back_changes_nothing():
    scenario = scenario_of(box={"mode": "pl-270"})
    widget = tw.whatif(scenario)
    widget.controls["power_limit"].value = 200.0
    assert widget.set() == {"systems.desk.power.limit": "200 W"}
    assert widget.results.summary == tw.run(scenario, set=widget.set(), interval="off").summary
    widget.controls["power_limit"].value = 270.0
    assert widget.set() == {} and widget.results.summary == widget._before


def test_boxes_over_others_have_a_power_limit_and_quants_from_any_folder(tmp_path, monkeypatch):
    (tmp_path / "boxes").mkdir()
    (tmp_path / "boxes/mine.yaml").write_text("{id: mine, base: rtx-4090, modes: {quiet: {power: {limit: 200 W}}}}")
    (tmp_path / "boxes/again.yaml").write_text("{id: again, base: mine.yaml}")
    (tmp_path / "s.yaml").write_text(json.dumps(scenario_of(box={"sheet": "boxes/again.yaml", "mode": "quiet"})))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    widget = untouched(tmp_path / "s.yaml")
    assert widget.controls["power_limit"].value == 200
    assert {"awq-int4", "fp8"} <= set(widget.controls["quant"].options)


@pytest.mark.parametrize(
    ("price", "starts_at"),
    [("300 USD/MWh", 0.3), ("0.0003 USD/Wh", 0.3), ("1e-7 USD/J", 0.36), ("0.15USD/kWh", 0.15), ("2 USD/kWh", 2)],
)
def test_the_price_begins_where_it_is_written(price, starts_at):
    scenario = scenario_of(prices={"electricity": price})
    assert untouched(scenario).controls["price"].value == starts_at
    same = tw.run(scenario, set={"prices.electricity": f"{starts_at} USD/kWh"}, interval="off").summary
    assert tw.run(scenario, interval="off").summary["cost_usd"]["electricity"] == pytest.approx(same["cost_usd"]["electricity"], rel=1e-12)


def test_the_room_begins_where_it_is_written():
    assert untouched(scenario_of(environment={"ambient": "-3 °C"})).controls["ambient"].value == -3
    empty = tw.load(scenario_of(environment=None), set={"environment.ambient": "31 degC"})
    assert tw.whatif(empty).controls["ambient"].value == 31


def test_sliders_know_every_unit_that_scenarios_accept():
    from tokwatt import _core

    units = re.findall(r'\{"([^"]+)", Dimension::(\w+),', (ROOT / "scenarios/units.cpp").read_text())
    shown = {"temperature": "degC", "money_per_energy": "USD/kWh", "power": "W"}
    accepted = [(unit, shown[dimension]) for unit, dimension in units if dimension in shown]
    assert {"°C", "USD/MWh"} < {unit for unit, _ in accepted}
    for unit, slider in accepted:
        assert _core.in_unit(f"1 {unit}", slider) > 0
    assert _core.in_unit("300 USD/MWh", "USD/kWh") == pytest.approx(0.3)
    assert _core.in_unit("0.07 kW", "W") == pytest.approx(70)
    with pytest.raises(ValueError, match="5 W"):
        _core.in_unit("5 W", "degC")


@pytest.mark.parametrize(("model", "quant", "devices"), [("llama-3.1-70b", "awq-int4", 2), ("gpt-oss-120b", "mxfp4", 4)])
def test_quants_are_those_that_run_on_all_devices_together(model, quant, devices):
    served = {"model": model, "quant": quant, "tensor_parallel": devices}
    scenario = scenario_of(box={"count": devices, "link": "pcie4-x16"}, served=served)
    options = untouched(scenario).controls["quant"].options
    assert {quant, "gptq-int4"} <= set(options) and "bf16" not in options  # 70 GB of it for each of two
    for option in options:
        tw.run(scenario, set={"deployments.chat.quant": option}, interval="off")


def test_quants_are_those_that_run_in_the_memory_that_the_scenario_gives():
    cramped = scenario_of(box={"memory": {"capacity": "12 GB"}})
    assert "bf16" in tw.whatif(scenario_of()).controls["quant"].options
    assert "bf16" not in tw.whatif(cramped).controls["quant"].options


def test_a_quant_has_one_name():
    served = {"model": "gpt-oss-20b", "quant": "MXFP4", "engine": "llama.cpp-cuda"}
    quant = untouched(scenario_of(served=served)).controls["quant"]
    assert quant.value == "mxfp4" and [option for option in quant.options if option.lower() == "mxfp4"] == ["mxfp4"]


def test_what_is_asked_of_is_the_first_model_at_home_on_its_own_box():
    hosted = {"far": {"api": {"sheet": "gpt-4o"}}}
    scenario = scenario_of(systems={"spare": {"sheet": "dgx-spark"}}, deployments=hosted)
    scenario["workload"].append({**scenario["workload"][0], "name": "others", "to": "far"})
    widget = untouched(scenario)
    assert widget.controls["power_limit"].value == 450
    widget.controls["power_limit"].value, widget.controls["quant"].value = 300.0, "fp8"
    assert widget.set() == {"systems.desk.power.limit": "300 W", "deployments.chat.quant": "fp8"}
    assert widget.results.summary == tw.run(scenario, set=widget.set(), interval="off").summary


def test_names_may_have_dots():
    scenario = scenario_of(served={"runs_on": "my.desk"})
    scenario["systems"] = {"my.desk": scenario["systems"]["desk"]}
    widget = tw.whatif(scenario)
    widget.controls["power_limit"].value = 300.0
    assert widget.results.summary == tw.run(scenario, set={'systems."my.desk".power.limit': "300 W"}, interval="off").summary


def test_a_folder_of_a_model_is_found_beside_the_scenario(tmp_path):
    (tmp_path / "my-model").mkdir()
    (tmp_path / "my-model/config.json").write_text((ROOT / "tests/data/configs/llama-3.1-8b.json").read_text())
    (tmp_path / "vllm").mkdir()  # a folder beside it, and no engine
    (tmp_path / "s.yaml").write_text(json.dumps(scenario_of(served={"model": "my-model"})))
    assert {"awq-int4", "fp8"} <= set(untouched(tmp_path / "s.yaml").controls["quant"].options)


def test_a_file_of_weights_has_one_quant_and_no_choice():
    file = {"model": str(ROOT / "tests/data/gguf/llama-3.1-8b-q4_k_m.gguf"), "quant": None, "engine": "llama.cpp-cuda"}
    assert list(untouched(scenario_of(served=file)).controls) == ["users", "ambient", "power_limit"]
