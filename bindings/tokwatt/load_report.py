"""docs/validation-load.md and its pictures."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from . import load_power, load_telemetry, load_validation, simulate
from .load_validation import Served, Telemetry

_MEASURED, _SIMULATED = {"color": "black", "marker": "o", "ms": 3, "lw": 1}, {"color": "tab:red", "marker": "x", "ms": 4, "lw": 1}


def write(served: Served, heat: Telemetry, data: pathlib.Path, path: pathlib.Path) -> None:
    """Writes the page, and its pictures into a folder beside it. `data` is the folder of the measurements."""
    folder = path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "tokwatt", "svg.fonttype": "none", "font.size": 8}
    _sweeps(served, folder / "rate-sweep.svg")
    _closed(served, folder / "closed-loop.svg")
    _recorded(served, data, folder / "recorded.svg")
    _heat(heat, folder / "heat.svg")
    path.write_text(_page(served, heat, data, folder.name))


def _save(figure: plt.Figure, path: pathlib.Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None}, dpi=150)
    plt.close(figure)


def _sweeps(served: Served, path: pathlib.Path) -> None:
    """Throughput and mean TTFT over the rate, for each run."""
    runs = load_validation._by_run(served)
    sweeps = {run: sorted((t.measured["rate"], t, now) for t, now in pairs if t.test.startswith("11")) for run, pairs in runs.items()}
    sweeps = {run: sweep for run, sweep in sweeps.items() if len(sweep) > 2}
    figure, axes = plt.subplots(len(sweeps), 3, figsize=(9, 1.6 * len(sweeps)), sharex=True, squeeze=False)
    names = {"output_tok_s": "output [tokens/s]", "tpot_mean": "TPOT [s]", "ttft_mean": "TTFT [s]"}
    for row, (run, sweep) in zip(axes, sweeps.items(), strict=True):
        rates = [rate for rate, _, _ in sweep]
        for axis, (key, name) in zip(row, names.items(), strict=True):
            axis.plot(rates, [t.measured[key] for _, t, _ in sweep], **_MEASURED)
            axis.plot(rates, [now[key] for _, _, now in sweep], **_SIMULATED)
            axis.set_ylabel(name)
            if key == "ttft_mean":
                axis.set_yscale("log")
        row[1].set_title(run, fontsize=8)
    for axis in axes[-1]:
        axis.set_xlabel("requests a second")
    axes[0][0].legend(["measured", "simulated"])
    _save(figure, path)


def _closed(served: Served, path: pathlib.Path) -> None:
    """Simulated against measured, closed loop, by concurrency."""
    table = served.table()
    table = table[table.suite == "spark closed loop"]
    figure, axes = plt.subplots(1, 3, figsize=(9, 3.2))
    names = {"tg_tok_s": "generation [tokens/s]", "pp_tok_s": "prompts [tokens/s]", "ttft_mean": "e2e_ttft [s]"}
    for axis, (key, name) in zip(axes, names.items(), strict=True):
        part = table[table.key == key]
        for c, color in ((1, "tab:blue"), (5, "tab:orange"), (10, "tab:green"), (20, "tab:red")):
            chosen = part[part.test.str.endswith(f" c{c}")]
            axis.plot(chosen.measured, chosen.simulated, ".", ms=3, color=color, label=f"{c} at once")
        ends = [part[["measured", "simulated"]].min().min(), part[["measured", "simulated"]].max().max()]
        axis.plot(ends, ends, color="grey", lw=0.5)
        axis.set(xscale="log", yscale="log", xlabel=f"measured {name}", ylabel="simulated")
    axes[0].legend()
    _save(figure, path)


def _recorded(served: Served, data: pathlib.Path, path: pathlib.Path) -> None:
    """Running and waiting sequences and KV use over time."""
    recorded = [t for t in served.trials if t.suite == "recorded"]
    figure, axes = plt.subplots(len(recorded), 3, figsize=(9, 2.2 * len(recorded)), squeeze=False)
    for row, trial in zip(axes, recorded, strict=True):
        measured = pd.read_csv(data / f"{trial.run}.timeseries.csv")
        series = trial.run_it().series
        simulated = {"running": series.batch.values[:, 0], "waiting": series.queue.values[:, 0], "kv_cache_pct": 100 * series.kv_used.values[:, 0]}
        for axis, (key, name) in zip(row, (("running", "running"), ("waiting", "waiting"), ("kv_cache_pct", "KV cache in use [%]")), strict=True):
            if measured[key].any():
                axis.plot(measured.t, measured[key], color="black", lw=1, label="measured")
            axis.plot(series.time.values, simulated[key], color="tab:red", lw=1, label="simulated")
            axis.set(ylabel=name, xlabel="time [s]")
        row[1].set_title(trial.run, fontsize=8)
    axes[0][0].legend()
    _save(figure, path)


_DAYS = ("granite-4.1-8b/bf16", "mistral-small-4-119b/nvfp4", "qwen-3.6-27b/bf16")


def _heat(heat: Telemetry, path: pathlib.Path) -> None:
    """Power and temperature over the tests of three runs, and clock against temperature."""
    figure, axes = plt.subplots(len(_DAYS), 3, figsize=(9, 2.2 * len(_DAYS)), squeeze=False)
    for row, run in zip(axes, _DAYS, strict=True):
        for frame, color in ((heat.measured, "black"), (heat.simulated, "tab:red")):
            mine = frame[frame.run == run].assign(test=lambda f: f.test.astype(int)).sort_values(["test", "elapsed_s"])
            # Each test on a stretch of its own length: it begins where the measured one does.
            begin = heat.measured[heat.measured.run == run].groupby("test").elapsed_s.max().sort_index().cumsum().shift(fill_value=0)
            at = mine.elapsed_s + mine.test.map({int(k): v for k, v in begin.items()})
            row[0].plot(at / 3600, mine.power_w, ".", ms=1, color=color, rasterized=True)
            row[1].plot(at / 3600, mine.temp_c, ".", ms=1, color=color, rasterized=True)
            hot = mine[mine.power_w > 40]
            row[2].plot(hot.temp_c, hot.sm_mhz, ".", ms=1, color=color, rasterized=True)
        row[0].set(xlabel="time [h]", ylabel="GPU domain [W]")
        row[1].set(xlabel="time [h]", ylabel="temperature [degC]")
        row[2].set(xlabel="temperature [degC]", ylabel="SM clock [MHz]", ylim=(2250, 2550))
        row[1].set_title(run, fontsize=8)
    _save(figure, path)


def _percent(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.1%}"


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(header)} |", f"| {' | '.join(['---', *['---:'] * (len(header) - 1)])} |", *(f"| {' | '.join(row)} |" for row in rows)]


def _by_run(table: pd.DataFrame, suite: str, keys: dict[str, str]) -> list[str]:
    frame = load_validation.by_run(table, suite, keys)
    return _markdown(["run", *frame.columns], [[str(run), *(_percent(v) for v in row)] for run, row in zip(frame.index, frame.to_numpy(), strict=True)])


def _experiments(served: Served, suite: str, keys: dict[str, str]) -> list[str]:
    """Measured and simulated figures of each trial, in milliseconds."""
    rows = []
    for t, now in zip(served.trials, served.simulated, strict=True):
        if t.suite == suite:
            name = f"{t.run} ({t.deployment['model']}, {t.system['sheet']}, {t.test})"
            rows.append([name, *(f"{1e3 * t.measured[k]:,.1f} / {1e3 * now[k]:,.1f}" for k in keys)])
    return _markdown(["experiment", *keys.values()], rows)


STEPS = {10: 0.25, 30: 0.295, 80: 0.34}  # [s]: [K/W], facts/hardware.yaml: mean of 23 upward steps of the telemetry


def _page(served: Served, heat: Telemetry, data: pathlib.Path, folder: str) -> str:
    table = served.table()
    scores = load_validation.scores(table)
    power, kelvin, slopes = heat.mean_power(), heat.temperatures(), heat.slopes()
    error = (power.simulated / power.measured - 1).abs()
    knees, still = load_validation.knees(served), heat.temperatures(within=4)
    lines = [
        "# How well simulations match servers under load",
        "",
        f"![throughput and latency over the rate of requests, measured and simulated]({folder}/rate-sweep.svg)",
        "",
        "Written by `./dev validate`; do not edit. Black is measured, red is simulated with the calibration that comes with the program.",
        "Each test of five suites is simulated as it was run: the same requests at the same instants, the server's own limits, the box in",
        "the state that the tests before left it in. The data lie in [validation/load](validation/load/README.md). Errors are",
        "|simulated / measured - 1|.",
        "",
        "*Without its run*: the calibration is fitted again without any figure of that run (of both runs where a model ran twice), and",
        "the run is simulated with that. What is fitted are the thirteen parameters of vLLM on a box and what kernels and families of models",
        "add to them ([calibration](theory/calibration.md)); nothing is fitted by run, test or row.",
        "",
        *_markdown(
            ["suite", "figure", "tests", "median error", "without its run", "asked"],
            [[r["suite"], r["figure"], str(r["rows"]), _percent(r["median"]), _percent(r["without"]), _percent(r["asked"])] for r in scores.to_dict("records")],
        ),
        "",
        f"The saturation knee of test 11 is at the right rate step in {(knees['steps apart'] == 0).sum()} of {len(knees)} runs, there or beside it in",
        f"{(knees['steps apart'] <= 1).sum()}. A knee is the first step whose throughput gains less than half of what the rate gains.",
        "",
        "What misses most: NVFP4 and MXFP4 mixtures of experts, whose routing is less or more even than the one curve that stands for all;",
        "temperature sample by sample (below).",
        "",
        "## Do the error bars hold?",
        "",
        "The 90 % intervals that a run gives ([theory](theory/intervals.md)), against the same measurements: of nine in ten they should hold. Half",
        "widths and standard deviations are of logarithms, the latter of measured / simulated. The calibration has seen these runs.",
        "",
        *_markdown(
            ["suite", "figure", "tests", "in the interval", "half width", "sd"],
            [
                [r["suite"], r["key"], str(r["rows"]), f"{r['inside']:.0%}", f"{r['half']:.2f}", f"{r['sd']:.2f}"]
                for r in load_validation.coverage(served).to_dict("records")
            ],
        ),
        "",
        f"Mean GPU-domain power of a test lies within the spread that intervals give to powers in {load_validation.within_spread(power):.0%} of {len(power)} tests.",
        "",
        "## The protocols, as they are simulated",
        "",
        "- *Spark, open loop* (`vllm bench serve`, seed 42): lengths and instants are drawn again as that program draws them, with NumPy's",
        "  generators. The sums of the outputs come out to the token. Prompts get the tokens that are missing from the recorded sum (a chat",
        "  template, about ten each). Where a model stopped early, outputs are scaled to the recorded sum. Of test 08 (ShareGPT) only sums are",
        "  known: lengths are lognormal.",
        "- *Spark, closed loop* (llama-benchy): all requests of a batch a millisecond apart, so that the first one's prompt is a step of its own.",
        "  `tg` counts from the first token of all to the last; every answer has the tokens asked for, while models stop early in tests 01 to 03.",
        "  Prompts have nine tenths of the tokens asked for: the client cuts them with a tokenizer of its own, and its rates, which are of the",
        "  tokens that the server counts, times the time to the first response give 0.87 to 0.91 of them in 14 of 15 runs. A lone prompt's rate is, as",
        "  the client's, over that time less what a request of twelve tokens takes.",
        "- *H100 stages*: Poisson arrivals, stage after stage, the group's system prompt in front of each question.",
        "- *Recorded*: the requests themselves, at the instants the engine queued them.",
        "- *Steady state* (ML.ENERGY): three waves of answers of the mean length, as many at once as the mean batch.",
        "",
        "## Spark, open loop",
        "",
        *_by_run(table, "spark open loop", {"output_tok_s": "output", "tpot_mean": "TPOT", "ttft_mean": "TTFT", "e2e_mean": "end-to-end"}),
        "",
        *_markdown(
            ["run", "knee measured [1/s]", "simulated", "steps apart"],
            [[r["run"], _rate(r["measured"]), _rate(r["simulated"]), str(r["steps apart"])] for r in knees.to_dict("records")],
        ),
        "",
        "## Spark, closed loop",
        "",
        f"![closed loop, simulated against measured]({folder}/closed-loop.svg)",
        "",
        *_by_run(
            table, "spark closed loop", {"tg_tok_s": "generation", "tg_req_tok_s": "each request's", "pp_tok_s": "prompts", "ttft_mean": "e2e_ttft"}
        ),
        "",
        "## H100 stages",
        "",
        "Measured / simulated, in milliseconds. In 20260217-155451 the measured end-to-end time is not TTFT + (output - 1) ITL, which would be",
        "2.6 s: its answers were shorter than the 247 tokens that the table gives and that are simulated.",
        "",
        *_experiments(served, "H100 stages", {"ttft_mean": "TTFT", "itl_mean": "ITL", "e2e_mean": "end-to-end", "e2e_p99": "p99 end-to-end"}),
        "",
        "## Request by request",
        "",
        f"![running, waiting and KV use over time]({folder}/recorded.svg)",
        "",
        "Measured / simulated, in milliseconds.",
        "",
        *_experiments(served, "recorded", {"ttft_mean": "TTFT", "tpot_mean": "TPOT", "e2e_mean": "end-to-end"}),
        "",
        "## Power, heat and clock of the Spark",
        "",
        f"![power, temperature and clock of three runs]({folder}/heat.svg)",
        "",
        "All tests of a run in a row after half an hour of warming up, a minute between them, in a room of 25 degC: the suite says none of",
        "these three. Batches of a closed loop run four times (a warm-up and three that count) after 100 tokens of the client's own, and begin",
        "when they began by their measured rates, which adds up to what the tests lasted within 1 %; where models stop early, answers are shorter",
        "until it does. Parts of an open loop begin after what they took beside their `duration`: in the samples of that time the GPU is idle. A",
        "sample is compared with the simulated second of the same instant; where a batch of twenty prompts ends seconds too early, answers",
        "stand against prompts, and power and temperature are off by tens of watts and some kelvin.",
        "",
        *_markdown(
            ["figure", "simulated", "asked"],
            [
                ["mean GPU-domain power of a test: median error", _percent(float(error.median())), "10.0%"],
                ["temperature over samples: median error", f"{kelvin.abs().median():.1f} K", "2.5 K"],
                ["90th percentile", f"{kelvin.abs().quantile(0.9):.1f} K", "7 K"],
                ["the same over samples whose power is right within 4 W: median error", f"{still.abs().median():.1f} K", ""],
                ["90th percentile", f"{still.abs().quantile(0.9):.1f} K", ""],
                [f"clock over temperature above 75 W (measured {slopes[0]:.2f} MHz/K)", f"{slopes[1]:.2f} MHz/K", "within 1"],
                *_step_rows(),
            ],
        ),
        "",
        "By test (mean over runs of the mean power):",
        "",
        *_power_rows(power),
        "",
        *_power_sections(data),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _power_sections(data: pathlib.Path) -> list[str]:
    energy, wall = load_power.joules_per_token(data / "energy.csv"), load_power.wall_peaks(data / "wall.csv")
    error = (energy.simulated / energy.j_per_tok - 1).abs()
    of_model = energy.assign(error=energy.simulated / energy.j_per_tok - 1).groupby(["model_id", "n_devices"]).error.agg(["median", "size"])
    caps = {box: load_power.under_a_limit(*case) for box, case in _LIMITS.items()}
    return [
        "## Joules per token",
        "",
        f"GPU energy per output token of vLLM on H100s in steady state (ML.ENERGY): median error {_percent(float(error.median()))} over "
        f"{len(error)} rows, 20 % asked. Simulated: as many people as the mean batch, who ask again at once; the prompts' lengths are not published.",
        "",
        *_markdown(
            ["model", "devices", "rows", "median of simulated / measured - 1"],
            [[str(model), str(n), str(int(r["size"])), f"{r['median']:+.0%}"] for (model, n), r in of_model.iterrows()],
        ),
        "",
        "## At the wall",
        "",
        "Highest power in short runs of llama.cpp, prompts or answers, whichever draws more. M4 Max: nobody has published one with a model.",
        "",
        *_markdown(
            ["box", "model", "measured [W]", "simulated [W]", "error"],
            [[r.system_id, r.model_id, f"{r.wall_w:g}", f"{r.simulated:.0f}", f"{r.simulated / r.wall_w - 1:+.0%}"] for r in wall.itertuples()],
        ),
        "",
        "## Under a power limit",
        "",
        "Decode of one person with Qwen3.6-27B Q4_K_M (Strix Halo: Gemma 4 12B) under llama.cpp. Of the RTX 3090 one curve is published: 280 W cost less than",
        "1 %, below 200 W it collapses; six of them lose 2 % at 250 W and 13 % at 150 W. No clock below the grid's lowest is simulated, so",
        "the collapse at 100 W is not.",
        "",
        *_markdown(["box", "power limit: tokens/s"], [[box, ", ".join(f"{w} W: {rate:.1f}" for w, rate in curve.items())] for box, curve in caps.items()]),
    ]


_LIMITS = {
    "rtx-3090": ("rtx-3090", "llama.cpp-cuda", "qwen3.6-27b", "q4_k_m", [350, 300, 280, 250, 200, 150]),
    "rtx-5090": ("rtx-5090", "llama.cpp-cuda", "qwen3.6-27b", "q4_k_m", [575, 500, 450, 400]),
    "strix-halo-128": ("strix-halo-128", "llama.cpp-vulkan", "gemma-4-12b", "q4_k_m", [120, 85, 55]),
}


def _rate(rate: float) -> str:
    return f"{rate:g}" if np.isfinite(rate) else "none"


def _step_rows() -> list[list[str]]:
    return [
        [f"step response after {at} s (measured {measured} K/W)", f"{simulated:.3f} K/W", "within 10 %"]
        for (at, measured), simulated in zip(STEPS.items(), load_telemetry.step_response(list(STEPS)), strict=True)
    ]


def _power_rows(power: pd.DataFrame) -> list[str]:
    means = power.groupby("test").mean()
    return _markdown(["test", "measured [W]", "simulated [W]"], [[str(t), f"{r.measured:.1f}", f"{r.simulated:.1f}"] for t, r in means.iterrows()])
