"""tokwatt.run: arguments, errors, threads."""

import json
import pickle
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tokwatt as tw


def test_options_are_keyword_only(scenario, short):
    with pytest.raises(TypeError):
        tw.run(scenario, short)


def test_an_unknown_stepping_is_refused_with_what_is_expected(scenario):
    with pytest.raises(ValueError, match='stepping is "tokens"; expected "macro" or "token"'):
        tw.run(scenario, stepping="tokens")


def test_set_changes_the_scenario(results, scenario, short):
    fewer = tw.run(scenario, set={**short, "workload.0.users": 2})
    assert fewer.summary["requests"]["submitted"] < results.summary["requests"]["submitted"]
    hotter = tw.run(scenario, set={**short, "environment.ambient": "35 degC"})
    assert hotter.summary["temperature_c"]["max"] > results.summary["temperature_c"]["max"]


@pytest.mark.parametrize(
    "think", ["{constant: 5 s}", {"constant": "5 s"}], ids=["YAML text", "mapping"]
)
def test_set_takes_yaml_text_and_plain_values(scenario, short, think):
    r = tw.run(scenario, set={**short, "workload.0.users": np.int64(1), "workload.0.think": think})
    gaps = r.requests["arrival"].to_numpy()[1:] - r.requests["finish"].to_numpy()[:-1]
    assert np.allclose(gaps[np.isfinite(gaps)], 5)


def test_set_refuses_what_is_no_value(scenario):
    with pytest.raises(ValueError, match="seed is nan"):
        tw.run(scenario, set={"seed": float("nan")})
    with pytest.raises(TypeError, match="set is 'workload.0.users=4'; expected a mapping from keys to values"):
        tw.run(scenario, set="workload.0.users=4")
    with pytest.raises(TypeError, match="object has no meaning"):
        tw.run(scenario, set={"seed": object()})


def test_a_mapping_is_a_scenario(results, short):
    mapping = {
        "title": "Twelve people on one DGX Spark, a working day",
        "seed": 1,
        "duration": "10 min",
        "systems": {"desk": {"sheet": "dgx-spark"}},
        "deployments": {"assistant": {"model": "gpt-oss-120b", "quant": "mxfp4", "engine": "vllm", "runs_on": "desk"}},
        "workload": [
            {
                "name": "people",
                "to": "assistant",
                "users": 12,
                "think": {"exponential": "30 s"},
                "prompt": {"lognormal": {"median": 800, "p99": 8000}},
                "output": {"lognormal": {"median": 250, "p99": 2000}},
            }
        ],
        "prices": {"electricity": "0.15 USD/kWh", "horizon": "24 months"},
    }
    assert tw.run(mapping).summary == results.summary


def test_both_steppings_and_a_rerun_give_the_same_bytes(scenario, short, tmp_path):
    for name, stepping in [("macro", "macro"), ("token", "token"), ("again", "macro")]:
        tw.run(scenario, set=short, stepping=stepping).save(tmp_path / name)
    assert (tmp_path / "macro").read_bytes() == (tmp_path / "token").read_bytes() == (tmp_path / "again").read_bytes()


def test_mistakes_come_all_at_once_each_with_its_place(tmp_path):
    text = "systems:\n  desk: {sheet: dgx-sparc}\ndeployments: {}\nworkload: []\nduration: 5\n"
    (tmp_path / "wrong.yaml").write_text(text)
    with pytest.raises(tw.InputError) as caught:
        tw.run(tmp_path / "wrong.yaml")
    errors = caught.value.errors
    assert {e.line for e in errors} >= {2, 5}
    first = next(e for e in errors if e.line == 2)
    assert first.file.endswith("wrong.yaml")
    assert first.column == text.splitlines()[1].index("dgx-sparc") + 1
    assert "dgx-spark" in first.message
    assert f"wrong.yaml:2:{first.column}: error:" in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_input_errors_pickle(tmp_path):
    with pytest.raises(tw.InputError) as caught:
        tw.run(tmp_path / "missing.yaml")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert copy.errors == caught.value.errors and str(copy) == str(caught.value)


def test_what_does_not_fit_is_infeasible_with_the_arithmetic(scenario, short):
    with pytest.raises(tw.Infeasible, match="GB"):
        tw.run(scenario, set={**short, "deployments.assistant.quant": "bf16"})


def test_the_gil_is_free_while_it_simulates(scenario):
    """Another thread goes on while one simulates."""
    ticks, done = [], threading.Event()

    def tick():
        while not done.wait(0.001):
            ticks.append(time.perf_counter())

    thread = threading.Thread(target=tick)
    thread.start()
    begin = time.perf_counter()
    tw.run(scenario, set={"timeline": []}, stepping="token")
    end = time.perf_counter()
    done.set()
    thread.join()
    inside = [t for t in ticks if begin < t < end]
    # With the GIL held there would be none, or one at each end; two cores shared with others give far more than a tenth.
    assert len(inside) > max(5, (end - begin) / 0.001 * 0.02)


def test_simulations_on_threads_do_not_disturb_each_other(scenario, short):
    seeds = [1, 2, 3, 4]
    alone = [json.dumps(tw.run(scenario, set={**short, "seed": seed}).summary) for seed in seeds]
    together = [None] * len(seeds)

    def simulate(i):
        together[i] = json.dumps(tw.run(scenario, set={**short, "seed": seeds[i]}).summary)

    threads = [threading.Thread(target=simulate, args=(i,)) for i in range(len(seeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone
    assert len(set(alone)) == len(seeds)


def test_progress_is_told_and_what_it_raises_ends_the_run(scenario):
    seen = []
    tw.run(scenario, set={"timeline": []}, stepping="token", progress=lambda *report: seen.append(report))
    times = [now for now, _, _ in seen]
    assert times and times == sorted(times)
    assert {end for _, end, _ in seen} == {8 * 3600.0}

    class Enough(Exception):
        pass

    def stop(now, end, completed):
        raise Enough

    with pytest.raises(Enough):
        tw.run(scenario, set={"timeline": []}, stepping="token", progress=stop)


def test_control_c_ends_a_run(scenario):
    """The signal's handler is Python's, which a run in C++ must let speak."""
    # A shell's background job ignores the signal, and its children with it.
    handled = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    script = f"{handled}; import tokwatt; print('go', flush=True); tokwatt.run({str(scenario)!r}, set={{'duration': '100 d', 'timeline': []}}, stepping='token')"
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "go\n"
    time.sleep(0.5)
    assert process.poll() is None, "the run must be long enough to be interrupted"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "KeyboardInterrupt" in errors
