"""Results of servers' benchmarks: what of them a model of single steps can price.

A decode step is priced at a known number of requests in flight, so a rate of requests without such a number says
nothing here; a prompt is priced where nothing else ran beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .bench_rows import LARGEST, SMALLEST, shown

if TYPE_CHECKING:
    from .bench_rows import Row

_TELLS_A_STEP_LATE = ("vllm",)  # of a lone request the first token comes with the step after it (tells_late)
_SHORTEST_PROMPT = 128  # below it the time to the first token is the server's, not the model's


def take(row: Row) -> bool:
    """Takes the readings of an object; False if it is none of these tools' results."""
    keys = row.values.keys()
    if "benchmarks" in keys and isinstance(row.values["benchmarks"], list):
        _guidellm(row)
    elif {"total_input_tokens", "total_output_tokens"} <= keys:
        _vllm_serve(row)
    elif {"avg_latency", "latencies"} <= keys:
        row.source.unused(
            row.line, "vllm bench latency: one time for prompt and answer together, without their lengths"
        )
    elif {"elapsed_time", "requests_per_second"} <= keys:
        row.source.unused(row.line, "vllm bench throughput: a full server's mixed steps, without lengths and batch")
    else:
        return False
    return True


def _served(
    row: Row,
    tool: str,
    in_flight: int,
    prompt: float,
    answer: float,
    ttft: float | None,
    gap: float | None,
    names: dict,
) -> None:
    """Readings of a server that had `in_flight` requests at once; `ttft` and `gap` (between tokens) in ms."""
    source, used = row.source, False
    if max(prompt, answer) > LARGEST:
        source.mistake(row.line, f"{prompt:.4g} and {answer:.4g} tokens a request; expected at most {LARGEST}")
        return
    if gap and answer > 1:
        # A step in the middle of the answer, of the whole batch.
        test = {"prompt": 0, "generate": 1, "depth": round(prompt + answer / 2), "sequences": in_flight}
        source.take(row.line, tool, test, 1e3 * in_flight / gap, **names)
        used = True
    if ttft and in_flight == 1 and prompt >= _SHORTEST_PROMPT:
        test = {"prompt": round(prompt), "generate": 0, "depth": 0, "sequences": 1}
        waited = gap if gap and answer > 1 and gap < ttft and names.get("engine") in _TELLS_A_STEP_LATE else 0
        source.take(row.line, tool, test, 1e3 * prompt / (ttft - waited), **names)
        used = True
    elif ttft and in_flight == 1:
        source.unused(
            row.line,
            f"{tool}: the first token after a prompt of {prompt:.0f} tokens is the server's time more than the model's",
        )
    elif ttft:
        source.unused(
            row.line, f"{tool}: the first token at {in_flight} requests in flight, which waited for others' prompts"
        )
    if not used:
        source.unused(row.line, f"{tool}: neither a gap between tokens nor a prompt by itself")


def _vllm_serve(row: Row) -> None:
    tool = "vllm bench serve"
    source = row.source
    completed = row.count("completed", least=1)
    prompts, answers = row.count("total_input_tokens"), row.count("total_output_tokens")
    if completed is None or prompts is None or answers is None:
        return
    if any(row.values.get(key) is not None for key in ("spec_decode_acceptance_rate", "spec_decode_acceptance_length")):
        source.unused(row.line, f"{tool}: with speculation a step makes several tokens")
        return
    in_flight = row.values.get("max_concurrency")
    if in_flight is None:
        source.unused(row.line, f"{tool}: without --max-concurrency the number of requests in flight is not known")
        return
    many = row.count("max_concurrency")
    if many is None:
        return
    rate = row.values.get("request_rate")
    if many < 1 or (many > 1 and str(rate) not in ("inf", "Infinity", "None")):
        source.unused(
            row.line, f"{tool}: at a request rate of {shown(rate)} there may be fewer than {many} requests in flight"
        )
        return
    if many > 1 and completed < 2 * many:
        source.unused(row.line, f"{tool}: {completed} requests at {many} in flight: most steps had fewer")
        return
    # The median gap is that of steps without a prompt beside them; a mean holds the prompts of others.
    gap = next((k for k in ("median_itl_ms", "median_tpot_ms", "mean_tpot_ms") if row.values.get(k) is not None), None)
    ttft = next((k for k in ("median_ttft_ms", "mean_ttft_ms") if row.values.get(k) is not None), None)
    first = row.number(ttft, above_zero=True) if ttft else None
    step = row.number(gap, above_zero=True) if gap else None
    if (ttft and first is None) or (gap and step is None):
        return
    _served(
        row,
        tool,
        many,
        prompts / completed,
        answers / completed,
        first,
        step,
        {
            "model": row.text("model_id"),
            "engine": "vllm" if row.text("backend") in ("", "vllm", "openai", "openai-chat") else "",
        },
    )


def _find(value: object, key: str) -> object:
    """The first value of a key, however deep: versions of guidellm keep it in different places."""
    if isinstance(value, dict):
        if isinstance(value.get(key), (str, int, float, dict)):
            return value[key]
        return next((found for v in value.values() if (found := _find(v, key)) is not None), None)
    return None


def _statistic(row: Row, benchmark: dict, metric: str, *names: str) -> float | None:
    """A statistic over the successful requests; a report of one that no benchmark has."""
    of = benchmark.get("metrics", {})
    for key in (metric, "successful"):
        of = of.get(key, {}) if isinstance(of, dict) else {}
    for name in names:
        value = of.get(name) if isinstance(of, dict) else None
        if not isinstance(value, (int, float)) or isinstance(value, bool) or value == 0:
            continue  # guidellm writes 0 for what it did not see
        if SMALLEST <= value <= LARGEST:
            return float(value)
        row.source.mistake(
            row.line_of(metric),
            f"{metric}.successful.{name} is {shown(value)}; expected a number of more than 0 "
            f"({SMALLEST:g} to {LARGEST})",
        )
        return None
    return None


def _guidellm(row: Row) -> None:
    tool = "guidellm"
    for number, benchmark in enumerate(row.values["benchmarks"]):
        if not isinstance(benchmark, dict) or not isinstance(benchmark.get("metrics"), dict):
            row.source.mistake(
                row.line_of("benchmarks"), f"benchmarks.{number} has no metrics; expected a report of guidellm"
            )
            continue
        prompt = _statistic(row, benchmark, "prompt_token_count", "mean")
        answer = _statistic(row, benchmark, "output_token_count", "mean")
        if prompt is None or answer is None:
            row.source.mistake(
                row.line_of("benchmarks"),
                f"benchmarks.{number}.metrics has no mean of prompt_token_count and output_token_count; "
                "expected numbers of more than 0",
            )
            continue
        strategy = _find(benchmark.get("config"), "strategy") or _find(benchmark, "strategy")
        kind = (
            str(strategy.get("type_") or strategy.get("type") or "")
            if isinstance(strategy, dict)
            else str(strategy or "")
        )
        mean = _statistic(row, benchmark, "request_concurrency", "mean")
        in_flight = 1 if kind == "synchronous" else _streams(strategy)
        if (
            in_flight is None
            and kind in ("", "concurrent")
            and mean is not None
            and abs(mean - round(mean)) < 0.05 * mean
        ):
            in_flight = round(mean)
        if not in_flight:
            row.source.unused(
                row.line,
                f"guidellm: benchmark {number} ({kind or 'no strategy'}): requests in flight are not fixed in number",
            )
            continue
        model = (
            _find(benchmark.get("config"), "model")
            or _find(row.values.get("config"), "model")
            or _find(row.values, "model")
        )
        _served(
            row,
            tool,
            in_flight,
            prompt,
            answer,
            _statistic(row, benchmark, "time_to_first_token_ms", "median", "mean"),
            _statistic(row, benchmark, "inter_token_latency_ms", "median", "mean"),
            {"model": model if isinstance(model, str) else ""},
        )


def _streams(strategy: object) -> int | None:
    """Requests in flight of guidellm's "concurrent" strategy."""
    if not isinstance(strategy, dict):
        return None
    for key in ("streams", "max_concurrency"):
        value = strategy.get(key)
        if (
            isinstance(value, int)
            and not isinstance(value, bool)
            and 0 < value <= LARGEST
            and strategy.get("type_", "concurrent") == "concurrent"
        ):
            return value
    return None
