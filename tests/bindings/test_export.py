"""tokwatt export: what other tools read is what the run says."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest
import tokwatt as tw
from tokwatt import export_csv, export_perfetto, export_vllm, token_times


@pytest.fixture(scope="module")
def arriving(scenario):
    stream = {
        "name": "calls",
        "to": "assistant",
        "arrivals": {"process": "gamma", "rate": "30/min", "cv": 2},
        "prompt": 300,
        "output": {"uniform": [1, 60]},
        "slo": {"ttft": "500 ms"},
    }
    return tw.run(scenario, set={"duration": "10 min", "timeline": [], "workload": [stream]})


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "tokwatt.export", *map(str, arguments)], capture_output=True, text=True)


def test_token_times_end_where_requests_finish(results):
    done = results.requests[results.requests["outcome"] == "completed"]
    times = token_times.of_requests(results, done.index.to_numpy())
    assert [len(t) for t in times] == done["output"].tolist()
    assert np.allclose([t[-1] for t in times], done["finish"], rtol=0, atol=1e-9)
    assert all((np.diff(t[:-1]) > 0).all() for t in times)
    assert all((np.diff(t) >= 0).all() for t in times)  # the last two come together where no step follows (vLLM tells a step late)


def test_the_vllm_file_agrees_with_the_summary(results):
    saved, notes = export_vllm.result(results)
    s = results.summary
    assert saved["completed"] == s["requests"]["completed"]
    assert saved["num_prompts"] == s["requests"]["submitted"]
    assert len(notes) == (s["requests"]["unfinished"] > 0)
    assert saved["max_concurrency"] == 12
    assert saved["request_rate"] == pytest.approx(s["requests"]["submitted"] / s["duration_s"])  # they think: not all are always in flight
    assert saved["duration"] == s["duration_s"]
    assert saved["date"] == "20261123-090000"
    assert 1 <= saved["max_concurrent_requests"] <= 12
    # The summary's are of all requests, these of those that were answered; the run is short.
    assert saved["median_tpot_ms"] == pytest.approx(1e3 * s["tpot_s"]["p50"], rel=0.02)
    assert saved["mean_itl_ms"] == pytest.approx(1e3 * s["itl_s"]["mean"], rel=0.05)
    assert saved["p99_e2el_ms"] == pytest.approx(1e3 * s["e2e_s"]["p99"], rel=0.02)


@pytest.mark.parametrize(
    ("stream", "rate"),
    [({"users": "4", "think": "0 s"}, "inf"), ({"users": "4"}, "inf"), ({"users": "4", "think": "0.5 s"}, 2.5), ({"users": "4", "think": " 5 s"}, 2.5), ({"trace": "a.csv", "max_in_flight": "8"}, 2.5),
     ({"users": "4", "think": {"exponential": "1 s"}}, 2.5)],
)  # fmt: skip
def test_only_clients_who_never_pause_send_at_an_infinite_rate(stream, rate):
    assert export_vllm._arrivals([stream], 2.5) == (rate, 1.0)


def test_arrivals_are_told_as_vllm_tells_them(arriving):
    saved, _ = export_vllm.result(arriving)
    assert saved["request_rate"] == 0.5 and saved["burstiness"] == 0.25 and saved["max_concurrency"] is None
    met = (arriving.requests["first_token"] - arriving.requests["arrival"] <= 0.5) & (arriving.requests["outcome"] == "completed")
    assert saved["request_goodput"] * saved["duration"] == pytest.approx(met.sum(), abs=1)


def test_detailed_is_each_request_in_seconds(arriving):
    saved, _ = export_vllm.result(arriving, detailed=True)
    requests = arriving.requests
    count = len(requests)
    for name in ("input_lens", "output_lens", "ttfts", "itls", "start_times", "generated_texts", "errors"):
        assert len(saved[name]) == count, name
    for gaps, length in zip(saved["itls"], saved["output_lens"], strict=True):
        assert len(gaps) == max(length - 1, 0)
    assert saved["mean_itl_ms"] == pytest.approx(1e3 * np.mean(np.concatenate(saved["itls"])))


def test_calibrate_reads_what_export_writes(arriving, tmp_path):
    """The reader of such files is ours too: it finds model and latencies where vLLM puts them."""
    from tokwatt import bench_files

    saved, _ = export_vllm.result(arriving)
    (tmp_path / "saved.json").write_text(json.dumps(saved))
    read = bench_files.read([tmp_path / "saved.json"])
    assert not read.mistakes
    assert all(r.model == "gpt-oss-120b" for r in read.readings)


def test_preempted_requests_are_not_guessed(scenario, short):
    limits = {"kv_blocks": 520, "max_model_len": 8000}
    run = tw.run(scenario, set={**short, "deployments.assistant.limits": limits, "workload.0.think": {"constant": "1 s"}})
    assert run.summary["kv"]["preemptions"] > 0
    saved, notes = export_vllm.result(run)
    assert saved["std_itl_ms"] is None and saved["max_output_tokens_per_s"] is None
    assert any("were preempted" in note for note in notes)
    with pytest.raises(tw.Infeasible, match="were preempted"):
        export_vllm.result(run, detailed=True)


def test_a_hosted_model_is_exported_under_the_name_of_its_sheet():
    run = tw.run({
        "duration": "5 min",
        "deployments": {"cloud": {"api": {"sheet": "gpt-5-mini"}}},
        "workload": [{"name": "people", "to": "cloud", "users": 3, "think": "5 s", "prompt": 500, "output": 100}],
    })  # fmt: skip
    saved, notes = export_vllm.result(run)
    assert saved["model_id"] == "gpt-5-mini" and saved["completed"] == run.summary["requests"]["completed"]
    assert saved["mean_ttft_ms"] == pytest.approx(1e3 * run.summary["ttft_s"]["mean"], rel=1e-9)
    assert any("histogram" in note for note in notes)


def test_perfetto_counters_stand_where_what_they_count_is(results):
    trace, _ = export_perfetto.trace(results, limit=10**6)
    at = lambda name: [e["ts"] for e in trace["traceEvents"] if e["ph"] == "C" and e["name"] == name]  # noqa: E731
    means, instants = at("wall power [W]"), at("die [degC]")
    assert means[0] == 0  # of the first interval, from its beginning on
    assert instants[0] > 0 and means[1:] == instants[:-1]


def test_perfetto_slices_nest_and_cover_the_steps(results):
    trace, _ = export_perfetto.trace(results, limit=10**6)
    slices = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    assert len(slices) == len(results.segments)
    ends = [e["ts"] + e["dur"] for e in slices]
    assert all(begin["ts"] >= end - 1e-6 for begin, end in zip(slices[1:], ends[:-1], strict=True))
    begun = [(e["id"], e["name"]) for e in trace["traceEvents"] if e["ph"] == "b"]
    ended = [(e["id"], e["name"]) for e in trace["traceEvents"] if e["ph"] == "e"]
    assert set(ended) <= set(begun) and len(set(begun)) == len(begun)
    whole = [name for _, name in begun if name.endswith(" out")]
    assert len(whole) == results.summary["requests"]["submitted"]
    assert len(set(begun) - set(ended)) <= 2 * results.summary["requests"]["unfinished"]
    assert {"wall power [W]", "die [degC]", "clock [MHz]"} <= {e["name"] for e in trace["traceEvents"] if e["ph"] == "C"}


def test_perfetto_closes_what_a_shutdown_ended(scenario):
    died = tw.run(scenario, set={"duration": "10 min", "timeline": [{"at": "5 min", "fault": "shutdown", "system": "desk", "for": "1 min"}]})
    assert died.summary["requests"]["failed"] > 0
    gone = set(died.requests.index[np.isfinite(died.requests["finish"])])
    trace, _ = export_perfetto.trace(died, limit=10**6)
    spans = [(e["ph"], e["id"], e["name"]) for e in trace["traceEvents"] if e.get("cat") == "request" and e["id"] in gone]
    assert sorted(s[1:] for s in spans if s[0] == "b") == sorted(s[1:] for s in spans if s[0] == "e")


def test_perfetto_says_what_it_leaves_out(results):
    trace, notes = export_perfetto.trace(results, limit=3)
    assert len({e["id"] for e in trace["traceEvents"] if e["ph"] == "b"}) == 3
    assert "the first 3 of" in notes[0] and notes[0] in trace["otherData"]["left out"]
    latest = max(e["ts"] for e in trace["traceEvents"] if e["ph"] in "XC")
    assert latest < 1e6 * results.requests["arrival"].iloc[3]


def test_tables_are_the_columns_with_their_units(results):
    rows = list(csv.DictReader(io.StringIO(export_csv.text(results, "requests"))))
    assert len(rows) == len(results.requests)
    assert float(rows[0]["arrival_s"]) == results.requests["arrival"].iloc[0]
    assert rows[0]["stream"] == "people" and rows[0]["outcome"] == "completed"
    series = list(csv.DictReader(io.StringIO(export_csv.text(results, "series"))))
    assert float(series[-1]["desk.energy_j"]) == float(results.series["energy"][-1, 0])
    assert series[0]["assistant.limited_by"] in results.summary["limited_by"]
    summary = dict(csv.reader(io.StringIO(export_csv.text(results, "summary"))))
    assert float(summary["ttft_s.p50"]) == results.summary["ttft_s"]["p50"]
    assert summary["goodput_per_s"] == ""


def test_the_room_is_a_column_of_the_series_of_its_own(scenario, short):
    room = {"heat_capacity": "100 kJ/K", "conductance": "10 W/K"}
    results = tw.run(scenario, set={**short, "environment.room": room})
    series = list(csv.DictReader(io.StringIO(export_csv.text(results, "series"))))
    assert [float(row["room_temperature_c"]) for row in series] == results.series["room_temperature"].values.tolist()
    assert float(series[-1]["room_temperature_c"]) == results.summary["room"]["temperature_c"]["final"]


@pytest.mark.parametrize("arguments", [["--as", "csv"], ["--as", "csv", "--table", "events"], ["--as", "vllm-bench"], ["--as", "perfetto"]])
def test_the_command_writes_to_standard_output_and_to_files(file, tmp_path, arguments):
    done = command(file, *arguments)
    assert done.returncode == 0
    assert command(file, *arguments, "-o", tmp_path / "out").returncode == 0
    assert (tmp_path / "out").read_text() == done.stdout
    if "csv" not in arguments:
        json.loads(done.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--as", "csv", "--limit", "3"], "--limit goes with --as perfetto"),
        (["--as", "perfetto", "--limit", "none"], '--limit is "none"; expected a number'),
        (["--as", "vllm-bench", "--deployment", "other"], '--deployment is "other"; expected assistant'),
        (["--as", "csv", "-o", "."], "it is a folder"),
    ],
)
def test_wrong_options_are_usage(file, arguments, message):
    done = command(file, *arguments)
    assert done.returncode == 2 and message in done.stderr


def test_what_was_not_recorded_cannot_be_exported(scenario, short, tmp_path):
    tw.run(scenario, set={**short, "record.requests": False}).save(tmp_path / "bare.h5")
    for arguments in (["--as", "csv"], ["--as", "vllm-bench"], ["--as", "perfetto"]):
        done = command(tmp_path / "bare.h5", *arguments)
        assert done.returncode == 3
        assert "record: {requests: false}" in done.stderr
    assert command(tmp_path / "bare.h5", "--as", "csv", "--table", "series").returncode == 0
    assert tw.open_results(tmp_path / "bare.h5").summary["requests"]["completed"] > 0
