"""tokwatt calibrate: what it finds again of a box that the model made up, and the sheet it writes."""

import datetime
import types

import llama_bench as lb
import numpy as np
import pytest
from tokwatt import _core, calibrate, calibrate_report, calibration, file_names, overlay, own_box
from tokwatt.errors import Infeasible, InputError

SHIFT = {"memory_efficiency": -0.5, "compute_efficiency": -0.6}
KEYS = [key for key, _ in _core.tuning_parameters()]


def noisy(rates, seed, sd=0.02):
    return rates * np.exp(np.random.default_rng(seed).normal(0, sd, len(rates)))


@pytest.fixture(scope="module")
def slow_box(tmp_path_factory):
    """A Spark that reaches less than others: its file, what was found, and the true rates."""
    path = tmp_path_factory.mktemp("slow") / "runs.jsonl"
    rows = lb.rows_of(lb.LLAMA)
    truth = lb.rates(rows, SHIFT)
    lb.write(path, (lb.LLAMA_FILE, rows, noisy(truth, 1)))
    return path, calibrate.calibrate([path], system="spark"), truth


def test_a_slower_box_is_found_again(slow_box):
    _, found, truth = slow_box
    (fit,) = found.engines
    assert (found.box, fit.engine, fit.kind) == ("dgx-spark", "llama.cpp-cuda", ("k", "llama"))
    assert fit.use.sum() == len(lb.TESTS) and not found.unused
    error_before = np.abs(np.expm1(fit.fitted.before - np.log(truth)))
    error_after = np.abs(np.expm1(fit.fitted.after - np.log(truth)))
    assert np.median(error_before) > 0.1
    assert error_after.max() < 0.06 and np.median(error_after) < 0.02
    by = {e.parameter: e for e in fit.estimates}
    low, high = (
        calibration.link("compute_efficiency", v) for v in (by["compute_efficiency"].low, by["compute_efficiency"].high)
    )
    believed = calibration.link("compute_efficiency", by["compute_efficiency"].before)
    assert low < believed + SHIFT["compute_efficiency"] < high < believed


def test_each_parameter_says_what_identified_it(slow_box):
    by = {e.parameter: e for e in slow_box[1].engines[0].estimates}
    assert by["compute_efficiency"].taken > 0.8 and by["compute_efficiency"].by[0][0].startswith("pp")
    # A dense model without recurrent layers says nothing of experts and states.
    for parameter in ("compute_efficiency_state", "memory_efficiency_experts", "rows_half_experts"):
        assert by[parameter].taken < 0.1
    report = slow_box[1].report("my-box.yaml")
    assert max(map(len, report.splitlines())) <= 80
    assert "nothing here: the" in report and "pp64-2048" in report
    assert "tokwatt bench --system my-box.yaml --model llama-3.1-8b --quant q4_k_m" in report


def test_the_sheet_gives_the_fitted_rates(slow_box, tmp_path):
    _, found, _ = slow_box
    path = tmp_path / "my-box.yaml"
    path.write_text(found.sheet(str(path)))
    rows = lb.rows_of(lb.LLAMA, system=str(path))
    about = _core.BenchProblems(rows).about
    assert {a["box"] for a in about} == {"my-box"}
    (fit,) = found.engines
    assert np.allclose(np.log(lb.rates(rows)), fit.fitted.after, atol=2e-4)
    # Draws of the sheet spread the predictions as the fit says.
    tuning, draws = np.array(about[0]["tuning"]), np.array(about[0]["draws"])
    sd = np.sqrt(((draws - tuning) ** 2).mean(axis=0))
    for e in fit.estimates:
        half = (calibration.link(e.parameter, e.high) - calibration.link(e.parameter, e.low)) / 2 / own_box.NORMAL90
        assert 0.5 * half < sd[KEYS.index(e.parameter)] < 1.7 * half, e.parameter
    assert np.isclose(about[0]["spread_decode"], fit.fitted.spread[True], rtol=1e-3)


def test_the_sheet_says_where_it_comes_from(slow_box, tmp_path):
    path, found, _ = slow_box
    text = found.sheet(str(tmp_path / "desk.yaml"), datetime.date(2026, 11, 21))
    for piece in (
        "id: desk\n",
        "base: spark\n",
        "2026-11-21",
        "build 3f3a4fb9c (7941)",
        "22 rows used, sha256 ",
        _core.__version__,
        "median error",
    ):
        assert piece in text
    assert max(map(len, text.split("engines:")[0].splitlines())) <= 200
    assert text == found.sheet(str(tmp_path / "desk.yaml"), datetime.date(2026, 11, 21))


def test_a_sheet_may_rest_on_one_that_was_calibrated(slow_box, tmp_path):
    _, found, truth = slow_box
    first = tmp_path / "first.yaml"
    first.write_text(found.sheet(str(first)))
    runs = tmp_path / "more.jsonl"
    rows = lb.rows_of(lb.LLAMA)
    lb.write(runs, (lb.LLAMA_FILE, rows, noisy(truth, 2)))
    again = calibrate.calibrate([runs], system=str(first))
    second = tmp_path / "second.yaml"
    second.write_text(again.sheet(str(second)))
    assert "base: ./first.yaml" in second.read_text() or "base: first.yaml" in second.read_text()
    assert np.abs(np.expm1(np.log(lb.rates(lb.rows_of(lb.LLAMA, system=str(second)))) - np.log(truth))).max() < 0.06


def test_several_models_in_one_file(tmp_path):
    dense, moe = lb.rows_of(lb.LLAMA), lb.rows_of(lb.MOE)
    path = tmp_path / "two.jsonl"
    shift = {"memory_efficiency_experts": -0.6}
    lb.write(
        path, (lb.LLAMA_FILE, dense, noisy(lb.rates(dense), 3)), (lb.MOE_FILE, moe, noisy(lb.rates(moe, shift), 4))
    )
    found = calibrate.calibrate([path], system="spark")
    (fit,) = found.engines
    assert {p.family for p in fit.problem.places} == {"llama", "gpt_oss"}
    assert np.median(np.abs(fit.fitted.after - fit.problem.measured)) < 0.03
    sheet = found.sheet(str(tmp_path / "b.yaml"))
    for name in ("by_unpack:", "by_family:", "        k:", "        mxfp4:", "        llama:", "        gpt_oss:"):
        assert name in sheet
    assert max(map(len, found.report("b.yaml").splitlines())) <= 80


def test_repetitions_count_once(tmp_path):
    rows = lb.rows_of(lb.LLAMA)
    once, often = tmp_path / "once.jsonl", tmp_path / "often.jsonl"
    part = (lb.LLAMA_FILE, rows, lb.rates(rows, SHIFT))
    lb.write(once, part)
    lb.write(often, *[part] * 5)
    a, b = (calibrate.calibrate([p], system="spark").engines[0] for p in (once, often))
    assert np.allclose(a.fitted.shift, b.fitted.shift, atol=1e-3)
    assert np.allclose(np.diag(a.fitted.covariance), np.diag(b.fitted.covariance), rtol=1e-2)


def test_an_outlier_counts_little(tmp_path):
    rows = lb.rows_of(lb.LLAMA)
    truth = lb.rates(rows, SHIFT)
    wrong = truth.copy()
    wrong[3] *= 0.4
    path = tmp_path / "runs.jsonl"
    lb.write(path, (lb.LLAMA_FILE, rows, wrong))
    (fit,) = calibrate.calibrate([path], system="spark").engines
    others = np.arange(len(rows)) != 3
    assert np.abs(fit.fitted.after - np.log(truth))[others].max() < 0.06


def test_a_rate_above_the_roofline_is_left_out_with_the_arithmetic(tmp_path):
    rows = lb.rows_of(lb.LLAMA)
    rates = lb.rates(rows)
    tg = next(i for i, r in enumerate(rows) if r["generate"] == 128 and r["depth"] == 0)
    rates[tg] = 90  # 4.6 GB in 11 ms are more than 273 GB/s
    path = tmp_path / "runs.jsonl"
    lb.write(path, (lb.LLAMA_FILE, rows, rates))
    found = calibrate.calibrate([path], system="spark")
    (fit,) = found.engines
    assert fit.use[tg] == 0 and fit.use.sum() == len(rows) - 1
    (said,) = fit.above
    assert f"runs.jsonl:{tg + 1}: tg128 of llama-3.1-8b q4_k_m: 90 t/s measured, 128 tokens in 1422 ms" in said
    assert "GB at 273 GB/s" in said and "at most" in said
    rates[:] = 1e6
    lb.write(path, (lb.LLAMA_FILE, rows, rates))
    with pytest.raises(Infeasible, match="no row is left to fit"):
        calibrate.calibrate([path], system="spark")


def test_flash_attention_is_as_measured(tmp_path):
    rows = lb.rows_of(lb.LLAMA, system="rtx-3090")
    path = tmp_path / "runs.jsonl"
    lb.write(path, (lb.LLAMA_FILE | {"gpu_info": "NVIDIA GeForce RTX 3090"}, rows, lb.rates(rows)))
    found = calibrate.calibrate([path], system="rtx-3090")
    card = tmp_path / "card.yaml"
    card.write_text(found.sheet(str(card)))
    (about,) = _core.BenchProblems([{**lb.LLAMA, "system": str(card), "engine": "llama.cpp-cuda", "prompt": 512}]).about
    assert about["flash_attention"] is True
    assert not _core.believed("rtx-3090", "llama.cpp-cuda")["flash_attention"]


def test_intervals_hold_what_they_say():
    """Boxes drawn from the prior, measured with the spread that the engine has: nine in ten parameters are inside."""
    rows = lb.rows_of(lb.LLAMA)
    problem = calibration.Problem(rows, np.ones(len(rows)))
    believed = _core.believed("dgx-spark", "llama.cpp-cuda")
    prior = own_box.prior_of(believed, ["k"], ["llama"])
    matrices = own_box.matrices_of(prior, problem)
    centre = np.array([a["tuning"] for a in problem.about])
    scatter = np.where(problem.decode, prior.spread[True], prior.spread[False])
    root = np.linalg.cholesky(prior.covariance)
    functional = np.array([m[0].toarray()[0] for m in matrices])
    had = np.einsum("ij,jk,ik->i", functional, prior.covariance, functional)
    inside, pulls = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        truth = root @ rng.standard_normal(len(prior.point))
        linked = centre + np.column_stack([m @ truth for m in matrices])
        problem.measured = problem.predicted(linked) + scatter * rng.standard_normal(len(rows))
        fitted = own_box.fit(problem, prior, np.ones(len(rows)))
        has = np.einsum("ij,jk,ik->i", functional, fitted.covariance, functional)
        told = has < 0.7 * had  # those that the tests identify
        z = functional @ (fitted.shift - truth) / np.sqrt(has)
        inside += list(np.abs(z[told]) < own_box.NORMAL90)
        pulls += list(z[told])
    assert len(inside) > 100
    assert 0.80 < np.mean(inside) < 0.97
    assert abs(np.mean(pulls)) < 0.35


def test_the_map_between_two_covariances():
    rng = np.random.default_rng(0)
    a, b = (x @ x.T + np.eye(6) for x in rng.standard_normal((2, 6, 6)))
    t = own_box.transport(a, b)
    assert np.allclose(t @ a @ t.T, b) and np.allclose(t, t.T)
    assert np.allclose(own_box.transport(a, a), np.eye(6))


def test_correlations_from_few_draws_are_shrunk():
    rng = np.random.default_rng(0)
    free = rng.standard_normal((16, 20))
    off = ~np.eye(20, dtype=bool)
    apart = own_box.shrunk(free, [str(i) for i in range(20)])
    assert np.linalg.eigvalsh(apart).min() > 0
    assert np.abs(apart)[off].mean() < 0.5 * np.abs(free.T @ free / 16)[off].mean()
    # Parts of one parameter: their sum is known better than each.
    part = rng.standard_normal((16, 1))
    parts = np.hstack([part, 0.1 * rng.standard_normal((16, 1)) - part, free])
    c = own_box.shrunk(parts, ["a", "a", *(str(i) for i in range(20))])
    assert np.linalg.eigvalsh(c).min() > 0
    assert c[:2, :2].sum() < 0.1 * c[0, 0]


def test_the_program_s_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = lb.rows_of(lb.LLAMA)
    lb.write(tmp_path / "runs.jsonl", (lb.LLAMA_FILE, rows, lb.rates(rows, SHIFT)))
    lb.write(tmp_path / "no-gpu.jsonl", (lb.LLAMA_FILE | {"gpu_info": ""}, rows, lb.rates(rows, SHIFT)))
    assert calibrate.main(["runs.jsonl", "--system", "spark"]) == 0
    said = capsys.readouterr()
    assert "Written to dgx-spark.calibrated.yaml" in said.out and not said.err
    sheet = (tmp_path / "dgx-spark.calibrated.yaml").read_text()
    assert "id: dgx-spark-calibrated\n" in sheet
    assert calibrate.main(["runs.jsonl", "--system", "spark"]) == 0  # its own sheet may be written again
    capsys.readouterr()
    (tmp_path / "mine.yaml").write_text("id: mine\n")
    for arguments, code, message in (
        (["runs.jsonl", "--system", "spark", "-o", "mine.yaml"], 2, "was not written by tokwatt calibrate"),
        (
            ["runs.jsonl", "--system", "dgx-spark.calibrated.yaml", "-o", "dgx-spark.calibrated.yaml"],
            2,
            "the new sheet rests on it",
        ),
        (["runs.jsonl", "--system", "spark", "-o", "box.txt"], 2, "ends in .yaml"),
        (["runs.jsonl"], 2, "missing --system"),
        (["runs.jsonl", "--system", "sparkk"], 3, 'did you mean "spark"?'),
        (["runs.jsonl", "--system", "spark", "--engine", "vlm"], 3, 'did you mean "vllm"?'),
        (["runs.jsonl", "--system", "spark", "--engine", "vllm"], 4, "measured with llama.cpp-cuda"),
        (["runs.jsonl", "--system", "m3-max-40c-64"], 3, 'runs.jsonl:1: error: measured on "NVIDIA GB10"'),
        (["no-gpu.jsonl", "--system", "m3-max-40c-64"], 4, "llama.cpp-cuda runs on cuda"),
        (["nowhere.jsonl", "--system", "spark"], 3, "nowhere.jsonl: error: cannot be read"),
    ):
        assert calibrate.main(arguments) == code, arguments
        said = capsys.readouterr()
        assert message in said.err and not said.out, arguments
    assert (tmp_path / "mine.yaml").read_text() == "id: mine\n"


def test_times_are_short_for_people():
    assert [overlay.short("host_per_step", s) for s in (2.31e-6, 1.13e-3)] == ["2.31 us", "1.13 ms"]
    assert overlay.short("rows_half", 71.04) == "71"


def runs(path, **fields):
    """A file of llama-bench with some tests of the Spark."""
    rows = lb.rows_of(lb.LLAMA, tests=lb.TESTS[:4] + lb.TESTS[-4:])
    return lb.write(path, (lb.LLAMA_FILE | fields, rows, lb.rates(rows)))


@pytest.mark.parametrize(
    ("system", "gpu", "meant"),
    [
        ("spark", "NVIDIA GeForce RTX 4090", "rtx-4090"),
        ("spark", "NVIDIA GeForce RTX 3090, NVIDIA GeForce RTX 3090", "rtx-3090"),  # of which one was used
        ("spark", "NVIDIA A100-SXM4-80GB", "a100-pcie-40 or a100-pcie-80 or a100-sxm-80"),
        ("rtx-4090", "NVIDIA GB10", "dgx-spark"),
        ("m3-max-40c-64", "Apple M4 Max", "mac-studio-m4-max-40c-128"),
        ("rtx-4090", "AMD Radeon Graphics (RADV GFX1151)", "strix-halo-128 or strix-halo-z13"),
    ],
)
def test_another_box_s_chip_is_an_error(tmp_path, system, gpu, meant):
    path = runs(tmp_path / "runs.jsonl", gpu_info=gpu, split_mode="none")
    with pytest.raises(InputError) as said:
        calibrate.calibrate([path], system=system)
    (mistake,) = said.value.errors
    assert mistake.line == 1 and mistake.message.startswith(f'measured on "{gpu}", but --system is ')
    assert mistake.message.endswith(f"; expected --system {meant}")


@pytest.mark.parametrize("gpu", ["NVIDIA GeForce RTX 4060 Ti", "NVIDIA GeForce RTX 4090 Laptop GPU", "Apple GPU"])
def test_a_chip_that_no_box_has_is_noted(tmp_path, monkeypatch, gpu):
    monkeypatch.chdir(tmp_path)
    runs(tmp_path / "runs.jsonl", gpu_info=gpu)
    found = calibrate.calibrate(["runs.jsonl"], system="spark")
    (note,) = found.notes
    assert f'measured on "{gpu}"; --system is dgx-spark' in note
    report = found.report("box.yaml")
    assert report.startswith("Note: runs.jsonl:1: ") and max(map(len, report.splitlines())) <= 80


@pytest.mark.parametrize("gpu", ["NVIDIA GB10", "", "CUDA0", "NVIDIA Graphics Device"])
def test_the_box_s_own_chip_is_not_worth_a_word(tmp_path, gpu):
    assert not calibrate.calibrate([runs(tmp_path / "runs.jsonl", gpu_info=gpu)], system="spark").notes


def test_every_box_has_a_chip_and_its_calibrated_sheet_too(tmp_path):
    for identifier, _, _ in _core.calibrated_systems():
        assert len(file_names.chips_in(_core.believed(identifier, "llama.cpp")["box_title"])) == 1, identifier
    mine = tmp_path / "mine.yaml"
    mine.write_text("id: mine\ntitle: My desk\nbase: spark\n")
    path = runs(tmp_path / "runs.jsonl")
    assert not calibrate.calibrate([path], system=str(mine)).notes
    with pytest.raises(InputError, match="expected --system rtx-4090"):
        calibrate.calibrate([runs(tmp_path / "b.jsonl", gpu_info="NVIDIA GeForce RTX 4090")], system=str(mine))


def test_options_that_contradict_the_file(tmp_path):
    path = runs(tmp_path / "runs.jsonl")
    for options, said in (
        ({"models": ["llama-3.3-70b"]}, '70b (70.55 B parameters), but "llama 8B Q4_K - Medium" has 8.03 B; expected'),
        ({"models": ["llama 8B Q4_K - Medium=gpt-oss-20b"]}, "--model is gpt-oss-20b (20.9"),
        ({"quants": ["q8_0"]}, '--quant is q8_0, but "llama 8B Q4_K - Medium" is q4_k_m; expected none, or'),
        ({"quants": ["Q8_0"]}, '--quant is Q8_0, but "llama 8B Q4_K - Medium" is q4_k_m'),
    ):
        with pytest.raises(InputError) as raised:
            calibrate.calibrate([path], system="spark", **options)
        (mistake,) = raised.value.errors
        assert mistake.line == 1 and said in mistake.message
    same = calibrate.calibrate([path], system="spark", models=["qwen3-8b"], quants=["q4_k_m"])
    assert same.engines[0].problem.about[0]["model"] == "qwen3-8b"  # 8.19 B: may be
    unnamed = runs(tmp_path / "b.jsonl", model_filename="a.gguf", model_type="llama 8B all F32 (guessed)")
    assert calibrate.calibrate([unnamed], system="spark", models=["llama-3.1-8b"], quants=["q8_0"])


def test_why_no_row_is_left(tmp_path, capsys):
    path = runs(tmp_path / "runs.jsonl", n_gpu_layers=0)
    assert calibrate.main([path, "--system", "spark", "-o", str(tmp_path / "box.yaml")]) == 4
    said = " ".join(capsys.readouterr().err.split())
    assert "no row is left to fit Not used: 8 rows, the first at" in said
    assert said.endswith("runs.jsonl:1: 0 of 32 layers on the device (n_gpu_layers)")


def test_next_lines_are_short():
    options = ["--system my-box-with-a-long-name.yaml", "--model models/some-model-of-mine.gguf", "--quant q4_k_m"]
    lines = calibrate_report.next_lines("my-box-with-a-long-name.yaml", options)
    assert max(map(len, lines)) <= 80 and all(line.endswith(" \\") for line in lines[1:-1])
    command = " ".join(line.removesuffix("\\").strip() for line in lines[1:])
    assert command == "tokwatt bench " + " ".join(options)
    for size in range(1, 73):
        (*_, last) = made = calibrate_report.next_lines("x" * size, [f"--system {'x' * size}", "--engine vllm"])
        assert max(map(len, made)) <= 80 and last.endswith("--engine vllm")


def test_weights_and_matrices_are_those_of_each_row():
    rows = lb.rows_of(lb.LLAMA, tests=lb.TESTS[:2]) * 2 + lb.rows_of(lb.MOE, tests=lb.TESTS[:1])
    problem = calibration.Problem(rows, np.ones(len(rows)))
    assert list(own_box.weights_of(problem)) == [0.5, 0.5, 0.5, 0.5, 1]
    prior = own_box.prior_of(_core.believed("dgx-spark", "llama.cpp-cuda"), ["k"], ["llama", "gpt_oss"])
    for p, matrix in zip(KEYS, own_box.matrices_of(prior, problem), strict=True):
        for place, row in zip(problem.places, matrix.toarray(), strict=True):
            blocks = (("base", ""), ("by_unpack", place.unpack), ("by_family", place.family))
            assert set(np.nonzero(row)[0]) == {prior.index[b, p] for b in blocks if (b, p) in prior.index}


def test_repetitions_are_counted_in_linear_time():
    rows = [{"prompt": n, "generate": 0} for n in range(40_000)]
    assert own_box.weights_of(types.SimpleNamespace(rows=rows)).sum() == len(rows)  # else it takes minutes
