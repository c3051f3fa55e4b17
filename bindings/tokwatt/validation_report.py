"""docs/validation.md and its pictures."""

from __future__ import annotations

import collections
import pathlib
from collections.abc import Callable, Sequence

import matplotlib
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from .validation import Scored, Validation, summary, text_of

_GOALS = {
    ("source", "decode"): "9 %, 28 %, 12 %",
    ("source", "prefill"): "14 %, 40 %, 18 %",
    ("source", "decode, batch 2 to 64"): "12 %",
    ("system", "decode"): "15 %",
    ("system", "prefill"): "25 %",
}

# Why rows are off, as far as it is known: (what it is, which rows, whether they are predicted too fast; None: either).
_Row = Callable[[dict, str], bool]
_REASONS: list[tuple[str, bool | None, _Row]] = [
    (
        "measured faster than the weights of all experts or layers can be read: its client takes off a latency with a forward pass in it",
        False,
        lambda t, source: t["engine"] == "vllm" and t["prompt"] == 256 and not t["generate"],
    ),
    (
        "bf16 on Vulkan: no matrix units for bf16 in that driver, and no other source of it",
        True,
        lambda t, source: t["engine"].endswith("vulkan") and t["quant"] == "bf16",
    ),
    (
        "builds of August 2025 on a new chip, prompts of up to 128 tokens: kernels for few rows, and no other source of them",
        True,
        lambda t, source: "lhl/" in source and not t["generate"] and t["prompt"] <= 128,
    ),
    (
        "builds of August 2025 on a new chip: drivers and kernels have changed since",
        None,
        lambda t, source: "lhl/" in source,
    ),
    (
        "llama.cpp on CUDA in May 2024; what is left of its prefill is the Spark's",
        None,
        lambda t, source: "XiongjieDai" in source and not t["generate"] and t["engine"].endswith("cuda"),
    ),
    ("NVFP4 under vLLM: no other source of it", None, lambda t, source: t["engine"] == "vllm" and t["quant"] == "nvfp4"),
    ("no other source of batches on this engine", None, lambda t, source: t["sequences"] > 1),
]


def reason(test: dict, source: str, too_fast: bool) -> str:
    """Why a row may be off."""
    return next((why for why, fast, holds in _REASONS if fast in (None, too_fast) and holds(test, source)), "not known")


def write(found: Validation, path: pathlib.Path) -> None:
    """Writes the page, and its pictures into a folder of its name."""
    folder = path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "tokwatt", "svg.fonttype": "none", "font.size": 9}
    _predicted_picture(found, folder / "predicted.svg")
    _systems_picture(found, folder / "systems.svg")
    _depth_picture(found, folder / "depth-and-batch.svg")
    path.write_text(_page(found, folder.name))


def _scored(found: Validation, kind: str) -> np.ndarray:
    return np.isfinite(found.scores[kind].residual)


def _batch(found: Validation) -> np.ndarray:
    return np.array([r.test["sequences"] > 1 for r in found.rows])


def _page(found: Validation, folder: str) -> str:
    source = found.scores["source"]
    lines = [
        "# How well predictions match published measurements",
        "",
        f"![predicted against measured, each row predicted without its source]({folder}/predicted.svg)",
        "",
        "Written by `./dev validate`; do not edit. The rows are the clean ones of [measurements.csv](validation/measurements.csv) that",
        "measure prefill or decode on one box, as llama-bench does. Each line of the first table leaves out whole groups of rows in turn,",
        "fits everything else again and predicts the rows left out with their 90 % intervals; `nothing` is the fit to all rows, which is",
        "what comes with the program. A source is a site or a repository. Rows that are not clean are fitted to with less weight (and left",
        "out with their group), but never scored. Errors are |predicted / measured - 1|, bias is the median of predicted / measured - 1;",
        "half widths of intervals and standard deviations are of logarithms. Different people who measure the same differ by 6 %.",
        "Servers under load, their power and their heat have [a page of their own](validation-load.md).",
        "",
        *_score_table(found),
        "",
        "*Median of systems*: the median of the medians of each box. *Asked*: median, 90th percentile and median of systems, or the first",
        "of them alone. An interval should hold 85 to 95 % of its rows and its half width stay below twice the standard deviation.",
        "",
        "## By group, each row predicted without its source",
        "",
        f"![errors by box]({folder}/systems.svg)",
        "",
    ]
    tables = {
        "system": [p.box for p in found.problem.places],
        "source": [r.source for r in found.rows],
        "engine": [p.engine for p in found.problem.places],
        "family of models": [p.family for p in found.problem.places],
        "quant": [a["quant"] for a in found.problem.about],
        "context in front": [_depth(r.test) for r in found.rows],
        "batch": [f"{r.test['sequences']:2d}" for r in found.rows],
    }
    for title, names in tables.items():
        lines += [*_group_table(found, source, title, names), ""]
    lines += [f"![errors by context and batch]({folder}/depth-and-batch.svg)", ""]
    lines += [*_secondary_section(found), *_worst_section(found), *_roofline_section(found), *_excluded_section(found)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _score_table(found: Validation) -> list[str]:
    lines = [
        "| left out | part | rows | median | 90th percentile | median of systems | in the interval | half width | sd | asked |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    decode = found.problem.decode
    parts = {"decode": decode, "prefill": ~decode, "decode, batch 2 to 64": decode & _batch(found)}
    for left, score in found.scores.items():
        for part, chosen in parts.items():
            s = summary(found.problem, score, chosen & _scored(found, left))
            lines.append(
                f"| {left} | {part} | {s['rows']} | {s['median']:.1%} | {s['p90']:.1%} | {s['systems']:.1%} | "
                f"{s['coverage']:.0%} | {s['half']:.2f} | {s['sd']:.2f} | {_GOALS.get((left, part), '')} |"
            )
    return lines


def _cells(score: Scored, chosen: np.ndarray) -> list[str]:
    if not chosen.any():
        return ["", "", "", ""]
    bias = np.median(np.expm1(-score.residual[chosen]))
    inside = np.mean(np.abs(score.residual[chosen]) <= score.half[chosen])
    return [str(chosen.sum()), f"{np.median(score.error[chosen]):.1%}", f"{bias:+.0%}", f"{inside:.0%}"]


def _group_table(found: Validation, score: Scored, title: str, names: Sequence[str]) -> list[str]:
    here = np.isfinite(score.residual)
    of = np.array(names)
    counts = collections.Counter(of[here])
    lines = [
        f"| {title} | decode: rows | median | bias | in interval | prefill: rows | median | bias | in interval |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in sorted(counts, key=lambda n: (-counts[n], n)):
        cells = [c for part in (found.problem.decode, ~found.problem.decode) for c in _cells(score, here & part & (of == name))]
        lines.append("| " + " | ".join([str(name), *cells]) + " |")
    return lines


def _depth(test: dict) -> str:
    depth = test["depth"]
    return "0" if depth == 0 else "up to 4,096" if depth <= 4096 else "up to 16,384" if depth <= 16384 else "more"


def _secondary_section(found: Validation) -> list[str]:
    return [
        "## Boxes without clean rows",
        "",
        "Second hand, of unknown configuration, or through a server: the rows that there are of boxes without clean ones, each box",
        "predicted without any of its own.",
        "",
        *_group_table(found, found.secondary, "system", [p.box for p in found.problem.places]),
        "",
    ]


def _worst_section(found: Validation) -> list[str]:
    score = found.scores["source"]
    order = [i for i in np.argsort(-np.nan_to_num(np.abs(score.residual))) if np.isfinite(score.residual[i])]
    far = [i for i in order if score.error[i] > 0.4]
    counts = collections.Counter(reason(found.rows[i].test, found.rows[i].source, score.residual[i] < 0) for i in far)
    lines = [
        "## Worst cases",
        "",
        f"Without their source, {len(far)} of {len(order)} rows are off by more than 40 %:",
        "",
        "| rows | why |",
        "| ---: | --- |",
        *[f"| {n} | {why} |" for why, n in counts.most_common()],
        "",
        "The twenty worst:",
        "",
        "| row | test | measured [tokens/s] | predicted / measured | why |",
        "| --- | --- | ---: | ---: | --- |",
    ]
    for i in order[:20]:
        row = found.rows[i]
        lines.append(f"| {row.id} | {text_of(row.test)} | {row.rate:,.1f} | {np.exp(-score.residual[i]):.2f} | {reason(row.test, row.source, score.residual[i] < 0)} |")
    return [*lines, ""]


def _roofline_section(found: Validation) -> list[str]:
    problem = found.problem
    clean = ~problem.careful
    lines = [
        "## Rows above the roofline",
        "",
        "The bound comes from vendor peaks times width alone: every byte and every FLOP at the peak, no launches, and of experts as few as",
        "there can be. A measured row above it is wrong, or what the sheets say is.",
        "",
    ]
    above = [i for i in np.flatnonzero(problem.measured > problem.bound)]
    if not above:
        return [*lines, "None.", ""]
    lines += ["| row | clean | test | measured [tokens/s] | bound | which side is wrong |", "| --- | --- | --- | ---: | ---: | --- |"]
    for i in above:
        row = found.rows[i]
        why = reason(row.test, row.source, False)
        side = f"the row: {why}" if why != "not known" else f"not known: the row ({row.note or 'no note'}), or the bytes of this quant in the sheet"
        lines.append(f"| {row.id} | {'yes' if clean[i] else 'no'} | {text_of(row.test)} | {row.rate:,.1f} | {np.exp(problem.bound[i]):,.1f} | {side} |")
    return [*lines, ""]


def _excluded_section(found: Validation) -> list[str]:
    by_reason: dict[str, list[tuple[str, str]]] = collections.defaultdict(list)
    for identifier, what, why in found.excluded:
        by_reason[why].append((identifier, what))
    lines = ["## Clean rows that are not scored", ""]
    for why, rows in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        lines += [f"{len(rows)} rows: {why}.", ""]
        lines += [", ".join(identifier for identifier, _ in rows), ""]
    return lines if by_reason else [*lines, "None.", ""]


def _save(figure: plt.Figure, path: pathlib.Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


_COLOURS = {True: "#0b5fa5", False: "#b5540a"}
_PARTS = {True: "decode", False: "prefill"}


def _predicted_picture(found: Validation, path: pathlib.Path) -> None:
    score = found.scores["source"]
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.2))
    for decode, axis in zip((True, False), axes, strict=True):
        chosen = np.isfinite(score.residual) & (found.problem.decode == decode)
        measured = np.exp(found.problem.measured[chosen])
        axis.loglog(measured, measured * np.exp(-score.residual[chosen]), ".", markersize=3, alpha=0.6, color=_COLOURS[decode])
        ends = np.array([measured.min() / 1.5, measured.max() * 1.5])
        axis.loglog(ends, ends, color="black", linewidth=0.8)
        for factor in (0.8, 1.25):
            axis.loglog(ends, ends * factor, color="black", linewidth=0.5, linestyle=":")
        axis.set(xlabel="measured [tokens/s]", ylabel="predicted [tokens/s]", title=f"{_PARTS[decode]}, {chosen.sum()} rows (dotted: 25 %)")
    _save(figure, path)


def _boxes(axis: Axes, score: Scored, decode: bool, found: Validation, names: Sequence[str], of: np.ndarray) -> None:
    values = []
    for name in names:
        chosen = np.isfinite(score.residual) & (found.problem.decode == decode) & (of == name)
        values.append(100 * np.expm1(-score.residual[chosen]))
    axis.axvspan(-6, 6, color="#dddddd", linewidth=0)
    axis.axvline(0, color="black", linewidth=0.6)
    axis.boxplot(values, vert=False, whis=(5, 95), widths=0.6, showfliers=False, medianprops={"color": _COLOURS[decode]})
    axis.set_yticks(range(1, len(names) + 1), [f"{n} ({len(v)})" for n, v in zip(names, values, strict=True)])
    axis.set_xlim(-100, 150)
    axis.set_xlabel("predicted / measured - 1 [%]")
    axis.set_title(f"{_PARTS[decode]}: quartiles, 5 to 95 %")


def _systems_picture(found: Validation, path: pathlib.Path) -> None:
    score = found.scores["source"]
    of = np.array([p.box for p in found.problem.places])
    counts = collections.Counter(of[np.isfinite(score.residual)])
    names = [name for name, _ in reversed(counts.most_common())]
    figure, axes = plt.subplots(1, 2, figsize=(11, 0.33 * len(names) + 1.2))
    for decode, axis in zip((True, False), axes, strict=True):
        _boxes(axis, score, decode, found, names, of)
    _save(figure, path)


def _depth_picture(found: Validation, path: pathlib.Path) -> None:
    score = found.scores["source"]
    depth = np.array([_depth(r.test) for r in found.rows])
    batch = np.array([str(r.test["sequences"]) for r in found.rows])
    depths = ["more", "up to 16,384", "up to 4,096", "0"]
    batches = sorted({b for b, ok in zip(batch, np.isfinite(score.residual), strict=True) if ok}, key=int, reverse=True)
    figure, axes = plt.subplots(2, 2, figsize=(11, 5), gridspec_kw={"height_ratios": [len(depths), len(batches)]})
    for decode, column in ((True, 0), (False, 1)):
        _boxes(axes[0][column], score, decode, found, depths, depth)
        _boxes(axes[1][column], score, decode, found, batches, batch)
        axes[0][column].set_ylabel("context in front")
        axes[1][column].set_ylabel("batch")
    _save(figure, path)
