"""Served runs: what was sent, what is compared, and how close the simulation comes."""

import dataclasses
import math
import pathlib

import numpy as np
import pandas as pd
import pytest

from tokwatt import calibration, load_fit, load_report, load_suites, load_telemetry, load_validation, population
from tokwatt.load_suites import Requests, Trial

DATA = pathlib.Path(__file__).parents[2] / "docs/validation/load"


@pytest.fixture(scope="module")
def opened():
    return load_suites.spark_open(DATA)


def one_request(prompt=1000, output=101):
    sent = Requests(np.array([0.0]), np.array([prompt]), np.array([output]))
    deployment = {"model": "qwen3-0.6b", "quant": "bf16", "engine": "vllm"}
    return Trial("recorded", "one", "one", {"sheet": "dgx-spark"}, deployment, sent, {"tpot_mean": 0.01, "e2e_mean": 1.0})


@pytest.mark.parametrize(("n", "prompt", "output", "total"), [(200, 4000, 500, 97092), (50, 1024, 4096, 209303), (250, 4000, 500, 123008)])
def test_lengths_drawn_again_add_up_to_what_was_recorded(n, prompt, output, total):
    prompts, outputs = load_suites.random_lengths(n, prompt, output)
    assert outputs.sum() == total
    assert prompts.min() >= 0.1 * prompt and prompts.max() <= 1.9 * prompt + 1


def test_the_requests_of_a_trial_have_the_recorded_sums(opened):
    table = pd.read_csv(DATA / "open_loop.csv").set_index(["run", "test"])
    for t in opened:
        row = table.loc[t.run, t.test]
        assert len(t.requests.arrival) == row.num_prompts
        assert t.requests.output.sum() == pytest.approx(row.total_output_tokens, rel=0.02)
        assert t.requests.prompt.sum() == pytest.approx(row.total_input_tokens, rel=0.02)


def test_the_last_request_leaves_at_the_number_of_requests_over_the_rate():
    at = load_suites.gamma_arrivals(100, 0.2, 0.7)
    assert at[-1] == pytest.approx(500)
    assert (np.diff(at) >= 0).all()
    # The coefficient of variation of gamma gaps of shape 0.7 is 1.2; of a hundred its standard error is about 0.1.
    gaps = np.diff(at)
    assert gaps.std() / gaps.mean() == pytest.approx(1 / math.sqrt(0.7), abs=0.4)


def test_rates_tell_how_many_tokens_a_client_sent():
    """0.8 of those asked for, at 1,000 tokens/s and slower as prompts are longer, less a latency of 0.3 s."""
    asked = np.array([256, 2048, 4096, 8192, 16384])
    seconds = 0.8 * asked / 1000 + 1e-9 * asked**2.0
    lone = pd.DataFrame({"run": "one", "phase": "pp", "concurrency": 1, "tokens": asked, "depth": 0})
    lone["ttfr_ms"], lone["tok_s_total"] = 1e3 * (seconds + 0.3), 0.8 * asked / seconds
    assert load_suites.prompt_share(lone) == pytest.approx(0.8)


def test_a_lone_prompts_rate_leaves_the_latency_out():
    lone = load_suites.LoneTrial(**vars(one_request()))
    ttft = lone.simulated()["ttft_mean"]
    hello = one_request(12, 1).run_it().summary["ttft_s"]["mean"]
    assert hello > 0.1 * ttft
    assert lone.simulated()["pp_tok_s"] == pytest.approx(1000 / (ttft - hello))
    assert one_request().simulated()["pp_tok_s"] == pytest.approx(1000 / ttft)


def test_closed_loop_prompts_are_those_that_were_sent_and_a_batch_of_one_is_a_lone_trial():
    closed = load_suites.spark_closed(DATA)
    for t in closed:
        asked, _ = t.test.split()[1].split("+")
        assert t.requests.prompt[0] == pytest.approx(0.9 * int(asked), rel=0.01)
    assert all(isinstance(t, load_suites.LoneTrial) == (len(t.requests.prompt) == 1) for t in closed)
    assert {len(t.requests.prompt) for t in closed} == {1, 5, 10, 20}


@pytest.mark.parametrize("ratio", [0.45, 0.6, 0.95])
def test_answers_that_stop_early_have_the_mean_that_the_rates_tell(ratio):
    outputs = load_suites.stopped_early(ratio, 10, 1000)
    assert outputs.max() == 1000
    assert outputs.mean() == pytest.approx(1000 * ratio, rel=0.02)


def test_talk_has_the_mean_asked_for_and_is_skewed():
    lengths = load_suites.conversation_lengths(2000, 230, 0.45, 1024, seed=1)
    assert lengths.mean() == pytest.approx(230, rel=0.01)
    assert np.median(lengths) < 0.7 * 230


def test_a_lone_request_is_measured_as_the_summary_says():
    results = one_request().run_it()
    figures = load_suites.figures(results)
    assert figures["ttft_mean"] == pytest.approx(results.summary["ttft_s"]["mean"])
    assert figures["e2e_mean"] == pytest.approx(figures["ttft_mean"] + 100 * figures["tpot_mean"])
    assert figures["tg_tok_s"] == pytest.approx(100 / (figures["e2e_mean"] - figures["ttft_mean"]))
    assert figures["pp_tok_s"] == pytest.approx(1000 / figures["ttft_mean"])


def test_half_the_efficiency_of_memory_takes_twice_the_bandwidth_time():
    point = dict.fromkeys(calibration.PARAMETERS, 0.5) | {"rows_half": 1.0, "kernel_dispatch": 1e-9, "host_per_step": 1e-9, "host_per_sequence": 1e-9}

    def tpot(memory):
        values = point | {"memory_efficiency": memory, "memory_efficiency_kv": memory}
        return load_fit.simulated(one_request(), [calibration.link(p, values[p]) for p in calibration.PARAMETERS])["tpot_mean"]

    assert tpot(0.4) == pytest.approx(2 * tpot(0.8), rel=1e-3)


def test_served_rows_are_as_simulated_at_their_own_point_and_straight_around_it():
    rows = [{"system": "dgx-spark", "model": "qwen3-0.6b", "quant": "bf16", "engine": "vllm", "generate": 32, "prompt": 0, "depth": 0, "sequences": 1}]
    bench = population.problem_of([_measured(rows[0])])
    both = load_fit.WithServed(bench, [one_request()])
    start = calibration.fit(bench, iterations=2)
    whole = load_fit.fit(both, start, spread=calibration._SPREAD, rounds=1, progress=lambda _: None)
    around = calibration.parameters_of(whole, both.trial_places)
    both.simulate_around(whole)
    linked = calibration.parameters_of(whole, both.places)
    figures = load_fit.simulated(one_request(), around[0])
    np.testing.assert_allclose(both.predicted(linked)[1:], np.log([figures["tpot_mean"], figures["e2e_mean"]]))
    at, slopes = both.jacobian(linked)
    moved = linked.copy()
    moved[:, 0] += 0.05
    np.testing.assert_allclose(both.predicted(moved)[1:], at[1:] + 0.05 * slopes[1:, 0])


def _measured(test):
    from tokwatt.measurements import Measurement

    return Measurement("M", test, 100.0, True, "somewhere", "", "")


def test_the_knee_is_where_throughput_stops_following_the_rate():
    rates = [0.1, 0.2, 0.3, 0.5, 0.7, 1.0]
    assert load_validation.knee(rates, [10, 20, 30, 50, 70, 100]) == 6
    assert load_validation.knee(rates, [10, 20, 30, 35, 36, 36]) == 3


def test_the_spark_answers_a_step_as_the_telemetry_does():
    for simulated, measured in zip(load_telemetry.step_response(list(load_report.STEPS)), load_report.STEPS.values(), strict=True):
        assert simulated == pytest.approx(measured, rel=0.1)


def test_a_day_of_a_run_has_its_power_heat_and_clock():
    run = "qwen-3.5-9b/bf16"
    closed, opened = (load_suites.of_runs(f(DATA))[run] for f in (load_suites.spark_closed, load_suites.spark_open))
    measured = load_telemetry.measured(DATA / "telemetry.csv.gz")
    day = load_telemetry.day_of(closed, opened, load_telemetry.lengths(measured)[run])
    samples = measured[measured.run == run]
    heat = load_validation.Telemetry(samples, load_telemetry.run_day(day, samples[["test", "elapsed_s"]]).assign(run=run))
    assert len(heat.pairs()) == len(samples)
    power = heat.mean_power()
    assert len(power) == 11
    off = (power.simulated / power.measured - 1).abs()
    assert off.median() < 0.04 and off.max() < 0.10  # one person at a time draws more than five (energy_rows)
    assert heat.temperatures().abs().median() < 3.5


def test_the_program_comes_as_close_to_the_spark_under_load_as_the_page_says(opened):
    served = load_validation.Served(opened, load_validation.as_shipped(opened))
    scores = load_validation.scores(served.table()).set_index(["suite", "figure"])["median"]
    assert scores["spark open loop", "output throughput"] < 0.05
    assert scores["spark open loop", "mean TPOT"] < 0.10
    apart = load_validation.knees(served)["steps apart"]
    assert len(apart) == 14 and (apart <= 1).all()


def test_coverage_counts_what_lies_inside():
    trials = [dataclasses.replace(one_request(), measured={"ttft_mean": ttft, "output_tok_s": 50.0}) for ttft in (1.0, 2.0, 4.0)]
    served = load_validation.Served(trials, [{"ttft_mean": 2.0, "output_tok_s": 50.0}] * 3)
    served.intervals = [{"ttft_mean": (1.5, 6.0), "output_tok_s": (50.0, 50.0)}] * 3
    table = load_validation.coverage(served).set_index("key")
    assert table.inside["ttft_mean"] == pytest.approx(2 / 3)
    assert table.half["ttft_mean"] == pytest.approx(math.log(2))
    assert table.sd["ttft_mean"] == pytest.approx(math.log(2))
    assert table.inside["output_tok_s"] == 1 and table.sd["output_tok_s"] == 0


def test_intervals_of_a_trial_hold_what_it_simulates():
    trial = one_request()
    (bars,) = load_validation.intervals([trial])
    figures = load_suites.figures(trial.run_it())
    assert all(low <= figures[key] <= high for key, (low, high) in bars.items() if figures[key] == figures[key])
    assert bars["ttft_mean"][0] < bars["ttft_mean"][1]
