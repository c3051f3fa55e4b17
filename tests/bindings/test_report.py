"""tokwatt report: the page of a run and of an audit, and what is said of files that are neither."""

import html.parser
import pathlib
import re
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pandas as pd
import pytest
import tokwatt as tw
import xarray as xr
from tokwatt import probe, report, report_run, report_study, words

CLAIMS = pathlib.Path(__file__).parents[1] / "data" / "claims" / "caught.csv"
VOID = {"meta", "link", "br", "path", "rect"}


class Page(html.parser.HTMLParser):
    """Tags that are not closed, addresses that would be fetched, and the text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.wrong, self.fetched, self.ids, self.links, self.words = [], [], [], set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in attributes:
            self.ids.add(attributes["id"])
        if tag == "a":
            self.links.append(attributes["href"])
        elif "href" in attributes or "src" in attributes:
            self.fetched.append(attributes.get("href") or attributes.get("src"))
        if attributes.get("role") == "img" and not attributes.get("aria-label"):
            self.wrong.append(f"{tag} is a picture without description")

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing")

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).replace("\N{NO-BREAK SPACE}", " ").split())


@pytest.fixture(scope="module")
def hot(scenario):
    changes = {"duration": "40 min", "environment.ambient": "48 degC", "timeline": []}
    run = tw.run(scenario, set=changes)
    assert run.summary["throttled_s"] > 0
    return run


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "tokwatt.report", *map(str, arguments)], capture_output=True, text=True)


def test_a_run_becomes_one_whole_page_that_fetches_nothing(file):
    done = command(file)
    assert (done.returncode, done.stdout) == (0, "")
    text = file.with_suffix(".html").read_text()
    page = Page(text)
    assert page.wrong == [] and page.open == []
    assert page.fetched == ["data:,"]
    assert "url(" not in text and "@import" not in text and "<script" not in text
    assert len(text) < 500_000
    inside = [link[1:] for link in page.links if link.startswith("#")]
    assert len(inside) > 5 and set(inside) <= page.ids


def test_the_page_says_what_the_summary_says(results):
    page = Page(report_run.html(results)).text
    s = results.summary
    for shown in (
        words.duration(s["ttft_s"]["p50"]),
        words.duration(s["e2e_s"]["p99"]),
        words.energy(s["energy_j"]["wall"]),
        words.usd(s["usd_per_mtok_output"]),
        words.celsius(s["temperature_c"]["max"]),
        words.percent(s["limited_by"]["bandwidth"]),
    ):
        assert shown.replace("\N{NO-BREAK SPACE}", " ") in page
    for name in s["assumed"]:
        assert name in page
    assert "https://ai-infrastructure.net/dgx-spark/" in page  # a source of the box's sheet


def test_throttled_spans_are_shaded_only_where_there_are_any(results, hot):
    assert results.summary["throttled_s"] == 0
    assert "class=held" not in report_run.html(results)
    page = report_run.html(hot)
    assert "class=held" in page
    assert "Heat or its power limit held the clock down" in page


def test_what_would_help_is_bounded_by_where_the_time_went(results):
    by = results.summary["limited_by"]
    helps = {change: effect for change, effect, _ in report_run.what_would_help(results)}
    busy = 1 - by["idle"]
    gain = busy / (busy - by["bandwidth"] / 2)
    assert 1 < gain <= 2
    assert helps["Twice the memory bandwidth, or half the bytes per weight"] == f"steps up to {words.three(gain)} times as fast"


def test_what_it_advises_to_try_can_be_run_and_stays_within_what_it_says(scenario, short):
    """With one user a step is the same step on the faster box, so what is said of steps can be seen in tokens."""
    alone = {**short, "workload.0.users": 1}
    before = tw.run(scenario, set=alone)
    sets = next(s for change, _, s in report_run.what_would_help(before) if "bandwidth" in change)
    path, value = re.fullmatch(r'--set ([\w.]+)="(.*)"', sets[0]).groups()
    assert (path, value) == ("systems.desk.memory.bandwidth", "546 GB/s")
    faster = tw.run(scenario, set={**alone, path: value})
    by = before.summary["limited_by"]
    gain = (1 - by["idle"]) / (1 - by["idle"] - by["bandwidth"] / 2)
    assert 0.9 * gain < before.summary["tpot_s"]["p50"] / faster.summary["tpot_s"]["p50"] <= gain * 1.02


def test_an_interval_stands_behind_its_figure(results):
    summary = {**results.summary, "interval90": {"ttft_s.p50": [0.3, 0.5]}}
    assert report_run.interval(summary, "ttft_s.p50", words.duration).replace("\N{NO-BREAK SPACE}", " ") == " (90 %: 300 ms to 500 ms)"
    assert report_run.interval(summary, "ttft_s.p95", words.duration) == ""


def test_a_title_cannot_put_anything_into_the_page(scenario, short):
    run = tw.run(scenario, set={**short, "duration": "1 min", "title": "<script>alert(1)</script> & 'quotes'"})
    page = report_run.html(run)
    assert "<script" not in page and "&lt;script&gt;" in page
    assert Page(page).wrong == []


def test_nobody_asking_is_an_answer_too(scenario):
    run = tw.run(scenario, set={"duration": "1 s", "timeline": [], "workload.0.think": {"constant": "1 h"}})
    assert run.summary["requests"]["submitted"] == 0
    page = Page(report_run.html(run))
    assert "Nobody asked anything" in page.text and page.wrong == []


def test_of_a_hosted_model_nothing_is_said_that_is_not_known():
    run = tw.run({
        "duration": "5 min",
        "deployments": {"a": {"api": {"sheet": "hosted-gpt-oss-120b"}}},
        "workload": [{"name": "people", "to": "a", "users": 3, "think": "5 s", "prompt": 500, "output": 100}],
    })  # fmt: skip
    text = Page(report_run.html(run)).text
    assert "hosted elsewhere, serve 3 users (people)" in text
    assert "What limits its provider is not known." in text
    assert "prompts included" in text
    assert "is assumed" in text or "are assumed" in text
    for wrong in ("hold 0 numbers", "roofline", "an engine", "throttled", "Nothing ran", "unknown J", "Hottest die"):
        assert wrong not in text, wrong


def test_a_queue_that_grows_is_the_first_thing_said(scenario):
    arrivals = {"process": "constant", "rate": "3/s"}
    stream = {"name": "flood", "to": "assistant", "arrivals": arrivals, "prompt": 800, "output": 400}
    run = tw.run(scenario, set={"duration": "20 min", "timeline": [], "workload": [stream], "deployments.assistant.limits": {"max_num_seqs": 8}})
    assert report_run.answer(run).startswith("It does not keep up: the queue of assistant grew")
    sent, begun = len(run.requests), int(run.requests["first_token"].notna().sum())
    assert begun < sent / 2
    assert f"{begun:,} of {sent:,} requests got a first token, half of these within" in report_run.answer(run).replace("\N{NO-BREAK SPACE}", " ")


def test_time_that_is_throttled_on_and_off_is_not_called_all_of_it(hot):
    rows = re.findall(r"<tr>(.*?)</tr>", report_run.html(hot), flags=re.S)
    table = next(i for i, row in enumerate(rows) if "throttled</th>" in row)
    shares = []
    for row in rows[table + 1 :]:
        cells = [re.sub(r"<.*?>", "", cell) for cell in re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row, flags=re.S)]
        if not cells or not re.fullmatch(r"[<\d.,]+.?%", cells[-1].replace("&lt; ", "<")):
            break
        shares.append(float(re.sub(r"[^\d.]", "", cells[-1])) / 100)
    mean = float(np.asarray(hot.series["throttled"], dtype=float).mean())
    assert len(shares) > 5 and 0 < mean < 1
    assert np.mean(shares) == pytest.approx(mean, abs=0.02)


def test_the_page_of_an_audit_has_each_claim(tmp_path):
    code, out, _ = tw._core.command("audit", [str(CLAIMS), "-o", "json"])
    assert code == 0
    (tmp_path / "audit.json").write_text(out)
    assert command(tmp_path / "audit.json").returncode == 0
    page = Page((tmp_path / "audit.html").read_text())
    assert page.wrong == [] and page.open == []
    ids = re.findall(r'"id": "([^"]+)"', out)
    assert len(ids) == len(CLAIMS.read_text().splitlines()) - 1 and all(name in page.text for name in ids)
    assert f"{out.count('impossible')} are impossible" in page.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "1:1: error: is no HDF5 file; expected results of tokwatt run -o"),
        (b"not a file of results", "1:1: error: is no HDF5 file; expected results of tokwatt run -o"),
        (b"\x89HDF\r\n\x1a\nand then nothing", "1:1: error: is damaged ("),
        (b'[{"id": "a"},\n {"id" "b"}]', "2:8: error: is no JSON (Expecting ':' delimiter)"),
        (b'[{"id": 3}]', "1:1: error: claim 1: id is no text; expected what tokwatt audit -o json prints"),
        (b"[[[" * 50_000, "1:1: error: is no JSON"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place_and_nothing_is_written(tmp_path, content, message):
    (tmp_path / "wrong.h5").write_bytes(content)
    done = command(tmp_path / "wrong.h5")
    assert done.returncode == 3
    assert done.stderr.startswith(f"{tmp_path / 'wrong.h5'}:{message}")
    assert list(tmp_path.iterdir()) == [tmp_path / "wrong.h5"]


def test_hdf5_of_another_program_is_told_apart(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = [1, 2, 3]
    with pytest.raises(tw.InputError, match="is HDF5 of another program"):
        tw.open_results(tmp_path / "other.h5")


def test_a_missing_file_and_a_wrong_output_are_said(tmp_path, file):
    assert command(tmp_path / "none.h5").returncode == 3
    for output in (tmp_path, file):
        done = command(file, "-o", output)
        assert done.returncode == 2 and "cannot write" in done.stderr
    done = command(file, "-o", tmp_path / "no" / "such.html")
    assert done.returncode == 3 and "No such file or directory" in done.stderr


def test_a_text_that_was_changed_in_the_file_is_found(file, tmp_path):
    path = tmp_path / "changed.h5"
    path.write_bytes(file.read_bytes())
    with h5py.File(path, "r+") as changed:
        changed["texts/scenario"][()] = "title: another\n"
    with pytest.raises(tw.InputError, match="the text scenario is not the one whose sha256"):
        tw.open_results(path)


def test_a_file_cut_anywhere_is_refused(file, tmp_path):
    data = file.read_bytes()
    for kept in range(0, len(data), len(data) // 40):
        (tmp_path / "cut.h5").write_bytes(data[:kept])
        with pytest.raises(tw.InputError):
            tw.open_results(tmp_path / "cut.h5", probe=False)


def test_an_opened_file_is_the_run(results, file):
    opened = tw.open_results(file)
    assert opened.summary == results.summary and opened.texts == results.texts and opened.seed == results.seed
    assert opened.series.identical(results.series)
    pd.testing.assert_frame_equal(opened.requests, results.requests)
    assert report.html_of(str(file)) == report_run.html(opened)


@pytest.fixture(scope="module")
def study_command():
    """A function that runs a study with the program."""
    path = pathlib.Path(sys.executable).parent / "tokwatt"
    program = str(path) if path.exists() else shutil.which("tokwatt")
    return lambda study, output: subprocess.run([program, "study", study, "-o", output, "--quiet"], capture_output=True, check=True)


def study_text(scenario, axes):
    constraints = '["temperature_c.max < 60 degC"]'
    return f"title: A study\nbase: {scenario}\nset: {{duration: 5 min}}\naxes: {axes}\nmetrics: [ttft_s.p95, temperature_c.max]\nconstraints: {constraints}\n"


def test_a_study_becomes_a_map_of_each_metric(study_command, scenario, tmp_path):
    axes = "{ambient: {key: environment.ambient, values: [16 degC, 45 degC]}, users: {key: workload.0.users, values: [1, 12, 24]}}"
    (tmp_path / "study.yaml").write_text(study_text(scenario, axes))
    study_command(tmp_path / "study.yaml", tmp_path / "study.h5")
    text = report.html_of(str(tmp_path / "study.h5"))
    page = Page(text)
    assert page.wrong == [] and page.open == [] and page.fetched == ["data:,"]
    run = tw.run(scenario, set={"duration": "5 min", "environment.ambient": "45 degC", "workload.0.users": 24})
    assert words.celsius(run.summary["temperature_c"]["max"]).replace("\N{NO-BREAK SPACE}", " ") in page.text
    with h5py.File(tmp_path / "study.h5") as file:
        beyond = int((file["feasible"][()] == 0).sum())
        assert 0 < beyond < 6
    assert f"{6 - beyond} of the 6 points run within the constraints" in page.text
    assert text.count("<s>") == 2 * beyond  # in the map of each metric
    with pytest.raises(tw.InputError, match="holds a study, not a run"):
        tw.open_results(tmp_path / "study.h5")


def test_a_study_along_one_axis_is_a_list(study_command, scenario, tmp_path):
    (tmp_path / "study.yaml").write_text(study_text(scenario, "{users: {key: workload.0.users, values: [1, 12]}}"))
    study_command(tmp_path / "study.yaml", tmp_path / "study.h5")
    page = Page(report.html_of(str(tmp_path / "study.h5")))
    assert page.wrong == [] and "Time to first token, 95 %" in page.text


def test_a_damaged_study_is_refused(study_command, scenario, tmp_path):
    (tmp_path / "study.yaml").write_text(study_text(scenario, "{users: {key: workload.0.users, values: [1, 12]}}"))
    study_command(tmp_path / "study.yaml", tmp_path / "study.h5")
    data = (tmp_path / "study.h5").read_bytes()
    for kept in range(0, len(data), len(data) // 20):
        (tmp_path / "cut.h5").write_bytes(data[:kept])
        with pytest.raises(tw.InputError):
            report.html_of(str(tmp_path / "cut.h5"))


@pytest.fixture
def hanging(file, tmp_path):
    """An object of size 0 in a heap of texts: the library looks for the next one where it stands."""
    data = bytearray(file.read_bytes())
    at = data.find(b"GCOL")
    while at >= 0:
        data[at + 16 : at + 32] = bytes(16)
        at = data.find(b"GCOL", at + 1)
    (tmp_path / "heap.h5").write_bytes(data)
    return tmp_path / "heap.h5"


def test_open_results_tries_files_of_others_first(file, hanging, results, tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "_START", 1.0)
    monkeypatch.setattr(probe, "_SECONDS", 1.0)
    with pytest.raises(tw.InputError, match="the HDF5 library cannot read it"):
        tw.open_results(hanging)
    tried = []
    monkeypatch.setattr(probe, "check_in_a_process", tried.append)
    results.save(tmp_path / "ours.h5")
    tw.open_results(tmp_path / "ours.h5")
    assert tried == []
    (tmp_path / "copy.h5").write_bytes(file.read_bytes())
    tw.open_results(tmp_path / "copy.h5")
    tw.open_results(tmp_path / "copy.h5", probe=False)
    (tmp_path / "ours.h5").write_bytes(file.read_bytes() + b"\0")
    tw.open_results(tmp_path / "ours.h5")
    assert tried == [str(tmp_path / "copy.h5"), str(tmp_path / "ours.h5")]


def test_a_whole_file_is_read_by_another_process(file):
    probe.check_in_a_process(str(file))


@pytest.mark.parametrize("module", ["report", "export"])
def test_a_file_on_which_hdf5_itself_hangs_is_refused(hanging, tmp_path, module):
    arguments = ["--as=csv"] if module == "export" else []
    done = subprocess.run([sys.executable, "-m", f"tokwatt.{module}", *arguments, str(hanging)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 3, done.stderr
    assert "is damaged (" in done.stderr and done.stdout == ""
    assert list(tmp_path.iterdir()) == [hanging]


def test_a_run_with_hosted_models_alone_has_a_report(tmp_path):
    scenario = {
        "duration": "10 min",
        "deployments": {"cloud": {"api": {"sheet": "gpt-5-mini"}}},
        "workload": [{"name": "people", "to": "cloud", "users": 3, "think": "20 s", "prompt": 500, "output": 100}],
    }
    results = tw.run(scenario)
    results.save(tmp_path / "cloud.h5")
    results.report(tmp_path / "cloud.html")
    assert "cloud" in (tmp_path / "cloud.html").read_text()
    assert tw.open_results(tmp_path / "cloud.h5", probe=False).summary["cost_usd"]["api"] > 0


def test_the_answer_of_a_study_names_what_is_within_its_constraints():
    boxes = np.array(["spark", "5090", "strix"], dtype=object)
    good = np.array([[1, 1], [0, 0], [1, 1]])
    points = xr.Dataset(
        {"status": (("box", "price"), np.zeros((3, 2), int)), "feasible": (("box", "price"), good)}, coords={"box": boxes, "price": [0.1, 0.3]}
    )
    answer = report_study._answer(points, ["box", "price"], ["ttft_s.p95 < 2 s"])
    assert answer == "4 of the 6 points run within the constraints: those with box spark or strix."
    points["feasible"][2, 1] = 0
    answer = report_study._answer(points, ["box", "price"], ["ttft_s.p95 < 2 s"])
    assert answer.endswith("price up to 0.1 at box strix, up to 0.3 at box spark, and none at 1 of the 3 values of box.")
