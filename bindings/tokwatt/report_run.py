"""The report of one run."""

from __future__ import annotations

import math
from typing import Any

from . import _core, asked, report_plan, report_rests_on, report_time, words
from .charts import Share, behind, esc, ladder, shares, table
from .report_page import Section, figures, page, paragraph
from .results import Results

_LATENCIES = [
    ("queue_s", "in the queue"),
    ("ttft_s", "first token (TTFT)"),
    ("ttfa_s", "its answer (TTFA)"),
    ("tpot_s", "per token (TPOT)"),
    ("itl_s", "each gap (ITL)"),
    ("e2e_s", "whole request (E2E)"),
]
_STATISTICS = ("mean", "p50", "p90", "p95", "p99", "max")
_LIMITS = {
    "bandwidth": "memory bandwidth",
    "compute": "arithmetic",
    "dispatch": "launching kernels, the host between steps",
    "link": "links between devices",
    "heat": "clock lowered by heat",
    "power": "clock lowered by the power limit",
    "queue": "no room for waiting requests",
    "idle": "nothing to do",
    "down": "box down or model not loaded, requests waiting",
}


def html(results: Results) -> str:
    """The page."""
    title = results.title or "Untitled scenario"
    plan = report_plan.html(results)
    return page(
        title=title,
        question=asked.question(results),
        answer=answer(results),
        below=_below(results),
        sections=[
            Section("limits", "What limited it, and what would help", _limits(results)),
            Section("time", "Over time", report_time.html(results)),
            Section("latencies", "Latencies", _latencies(results.summary)),
            Section("money", "Energy and money", _money(results.summary)),
            *([Section("plan", "Months of such days", plan)] if plan else []),
            Section("rests-on", "What it rests on", report_rests_on.html(results)),
            Section("again", "The same again", _again(results)),
        ],
        about="A simulation by tokwatt, of speed, energy, heat and money. It says nothing about the quality of answers, and quality lost "
        "by quantisation is not modelled.",
    )


def interval(summary: dict[str, Any], key: str, text: Any) -> str:
    """ (90 %: 0.36 to 0.44 s) where the run has it."""
    bounds = (summary.get("interval90") or {}).get(key)
    if not (isinstance(bounds, list) and len(bounds) == 2 and all(isinstance(b, int | float) for b in bounds)):
        return ""
    return f" (90{words.SPACE}%: {text(bounds[0])} to {text(bounds[1])})"


def answer(results: Results) -> str:
    """The answer in two sentences or three."""
    s = results.summary
    sent, completed = s["requests"]["submitted"], s["requests"]["completed"]
    if not sent:
        return "Nobody asked anything of it in this time."
    if not completed:
        return f"None of the {words.grouped(sent)} requests got a whole answer."
    said = [
        f"{_half(results)} within {words.duration(s['ttft_s']['p50'])}"
        f"{interval(s, 'ttft_s.p50', words.duration)}, 95{words.SPACE}% within {words.duration(s['ttft_s']['p95'])}"
        f"{interval(s, 'ttft_s.p95', words.duration)}"
        + (f"; after it, text came at {words.three(1 / s['tpot_s']['p50'])} tokens a second." if s["tpot_s"]["p50"] else ".")
    ]
    growing = report_time.growing_queues(results)
    if growing:
        said.insert(0, f"It does not keep up: the queue of {words.listed(growing)} grew as long as requests came.")
    if _is_hosted(s):
        price = _price(s)
        return " ".join([*said, f"{price[:1].upper()}{price[1:]}."])
    held = (s["throttled_s"] or 0) / s["duration_s"] if s["duration_s"] else 0
    heat = f"Heat or its power limit held the clock down for {words.percent(held)} of the time" if held else "It was never throttled"
    return " ".join([*said, f"{heat}, and {_price(s)}."])


def _half(results: Results) -> str:
    """Of whom the percentiles of the first token are: not of those who got none."""
    counts = results.summary["requests"]
    sent = counts["submitted"]
    if counts["completed"] == sent:
        return f"Half of the {words.grouped(sent)} requests had their first token" if sent > 1 else "The one request had its first token"
    try:
        begun = int(results.requests["first_token"].notna().sum())
    except KeyError:  # not recorded
        return f"Of {words.grouped(sent)} requests {words.grouped(counts['completed'])} were answered; half of those that got a first token had it"
    if begun == sent:
        return f"Half of the {words.grouped(sent)} requests had their first token"
    return f"{words.grouped(begun)} of {words.grouped(sent)} requests got a first token, half of these"


def _is_hosted(s: dict[str, Any]) -> bool:
    """All of it by others, of whose boxes nothing is known."""
    return s["energy_j"]["wall"] in (None, 0) and bool(s["cost_usd"].get("api"))


def _price(s: dict[str, Any]) -> str:
    if s["usd_per_mtok_output"] is not None:
        cost = words.usd(s["usd_per_mtok_output"]) + interval(s, "usd_per_mtok_output", words.usd)
        return f"a million output tokens cost {cost}, {'prompts' if _is_hosted(s) else 'hardware'} included"
    return f"an output token took {words.three(s['j_per_tok_output'])}{words.SPACE}J at the wall"


def _below(results: Results) -> str:
    s = results.summary
    requests = s["requests"]
    others = [f"{words.grouped(n)} {key.replace('_', ' ')}" for key, n in requests.items() if n and key not in ("submitted", "completed")]
    met = _objective(s)
    rate = f"{words.three(s['throughput_tok_s']['total'])} with the prompts"
    boxes = [
        ("Power at the wall", f"{words.watts(s['power_w']['wall']['mean'])}", f"{words.watts(s['power_w']['wall']['max'])} at most"),
        ("Hottest die", words.celsius(s["temperature_c"]["max"]), f"{words.celsius(s['temperature_c']['mean'])} in the mean"),
        ("Energy", words.energy(s["energy_j"]["wall"]), f"{words.three(s['j_per_tok_output'])} J a token"),
    ]
    return figures(
        [
            ("Requests answered", f"{words.grouped(requests['completed'])}", ", ".join(others) or "all of them"),
            *([("Within the objective", met, "of the answered requests that have one")] if met else []),
            ("Output", f"{words.three(s['throughput_tok_s']['output'])} tokens/s", rate),
            ("Batch", f"{words.three(s['batch']['mean'])} mean", f"{words.grouped(s['batch']['max'])} at most"),
            *([] if _is_hosted(s) else boxes),
        ]
    )


def _objective(s: dict[str, Any]) -> str:
    """How many answers met their objective; empty where no stream has one."""
    met = answered = 0.0
    for part in s["workload"].values():
        if part.get("goodput_per_s") is not None:
            met += round(part["goodput_per_s"] * part["duration_s"])
            answered += part["requests"]["completed"]
    return words.percent(met / answered) if answered else ""


def _limits(results: Results) -> str:
    s = results.summary
    if _is_hosted(s):
        return paragraph("The model is hosted elsewhere. What limits its provider is not known.")
    parts = sorted(((name, s["limited_by"].get(key) or 0.0) for key, name in _LIMITS.items()), key=lambda p: -p[1])
    body = paragraph(_core.limit_sentence(results._run.summary_json))
    bar = [Share(name, fraction, words.percent(fraction)) for name, fraction in parts]
    body += shares(bar, label="Shares of time: " + ", ".join(f"{p.name} {p.text}" for p in bar if p.fraction > 0))
    several = len(s["deployments"]) > 1
    if several:
        rows = [[name, *(words.percent(part["limited_by"].get(key) or 0.0) for key in _LIMITS)] for name, part in s["deployments"].items()]
        body += table(["deployment", *_LIMITS], rows, caption="Shares of time by deployment")
    helps = what_would_help(results)
    if not helps:
        return body
    rows = "".join(f"<tr><th scope=row>{esc(change)}</th><td>{esc(effect)}</td><td>{_command(sets)}</td></tr>" for change, effect, sets in helps)
    return body + (
        "<h3>What would help</h3>"
        + paragraph("What each would do for the steps of this run, if nothing else became the limit. Faster steps also change how many requests run at "
            "once; what it comes to, the run beside it says.", "soft")
        + "<div class=scroll tabindex=0 role=region aria-label='What would help'><table><thead><tr><th scope=col>change</th>"
        f"<th scope=col>effect</th><th scope=col>try it</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _command(sets: list[str]) -> str:
    return f"<code>tokwatt run SCENARIO {esc(' '.join(sets))}</code>" if sets else ""


def what_would_help(results: Results) -> list[tuple[str, str, list[str]]]:
    """(change, effect on the steps of this run, --set options that try it), the largest first; all follows from where the time went."""
    s = results.summary
    by = {key: s["limited_by"].get(key) or 0.0 for key in _LIMITS}
    busy = 1 - by["idle"] - by["down"]
    out: list[tuple[float, str, str, list[str]]] = []

    def faster(key: str, saved: float, change: str, sets: list[str]) -> None:
        if busy > 0 and saved / busy >= 0.02:
            gain = busy / (busy - saved) if saved < busy else math.inf
            out.append((saved / busy, change, f"steps up to {words.three(gain)} times as fast", sets))

    faster("bandwidth", by["bandwidth"] / 2, "Twice the memory bandwidth, or half the bytes per weight", _doubled(results, "memory.bandwidth"))
    faster("compute", by["compute"] / 2, "Twice the arithmetic", [])
    faster("dispatch", by["dispatch"] / 2, "Half the time for kernel launches and the host", [])
    faster("link", by["link"] / 2, "Links twice as fast", [])
    changes = asked.scenario(results).get("timeline")
    cooler = [] if "environment.ambient" in str(changes) else ['--set environment.ambient="15 degC"']  # the timeline's would follow
    faster("heat", by["heat"], "A room cool enough never to throttle", cooler)
    faster("power", by["power"], "No power limit below what the box can draw", [])
    if by["queue"] >= 0.02:
        effect = f"{words.percent(by['queue'])} of the time without waiting requests"
        out.append((by["queue"], "More room: memory for KV cache, or more sequences at once", effect, []))
    if by["down"] >= 0.02:
        effect = f"{words.percent(by['down'])} of the time without requests waiting for a box that is down"
        out.append((by["down"], "A second box, or a shorter outage", effect, []))
    if by["idle"] >= 0.3:
        effect = f"it has nothing to do for {words.percent(by['idle'])} of the time"
        out.append((by["idle"], "Nothing faster: more users, or a smaller box", effect, []))
    cost = s["cost_usd"]
    if cost["electricity"] and cost["total"]:
        share = cost["electricity"] / cost["total"] / 2
        out.append((min(share, 0.01), "Electricity at half its price", f"{words.percent(share)} off the cost", []))
    return [row[1:] for row in sorted(out, key=lambda row: -row[0])]


def _doubled(results: Results, path: str) -> list[str]:
    """--set options that double a number of every box; none where a sheet's number cannot be read."""
    out = []
    for name in results.texts:
        if not name.startswith("systems/"):
            continue
        value, _, unit = asked.number(results, name, path).partition(" ")
        try:
            out.append(f'--set {name.replace("/", ".")}.{path}="{2 * float(value):g} {unit}"')
        except ValueError:
            return []
    return out


def _latencies(s: dict[str, Any]) -> str:
    same = s["ttfa_s"] == s["ttft_s"]
    shown = [(name, s[key]) for key, name in _LATENCIES if not (key == "ttfa_s" and same)]
    known = [(name.partition(" (")[0], row) for name, row in shown if all(row[k] is not None for k in _STATISTICS)]
    label = "; ".join(f"{name}: median {words.duration(row['p50'])}, 99 % {words.duration(row['p99'])}" for name, row in known)
    picture = ladder(known, words.duration, label=label)
    legend = "The bar runs from the median to 95 %, the line on to 99 %, and the ring is the worst of all. The axis is logarithmic."
    body = f"<figure>{picture}<figcaption>{esc(legend)}</figcaption></figure>" if picture else ""
    rows = [[name, *(words.duration(row[k]) for k in _STATISTICS)] for name, row in shown]
    body += table(["", "mean", "median", "90 %", "95 %", "99 %", "worst"], rows, caption="Latencies of the requests; 95 %: so many were at least as quick")
    for part, what in (("workload", "stream"), ("deployments", "deployment")):
        if len(s[part]) > 1:
            body += _parts(s[part], what)
    return body


def _parts(parts: dict[str, Any], what: str) -> str:
    rows = [
        [
            name,
            words.grouped(part["requests"]["completed"]),
            words.duration(part["ttft_s"]["p50"]),
            words.duration(part["ttft_s"]["p95"]),
            words.duration(part["tpot_s"]["p50"]),
            f"{words.three(part['throughput_tok_s']['output'])}",
        ]
        for name, part in parts.items()
    ]
    head = [what, "answered", "first token, median", "first token, 95 %", "per token, median", "tokens/s"]
    return table(head, rows, caption=f"By {what}")


_ENERGY = {"compute": "arithmetic", "memory": "moving bytes", "static": "the chip being on and at work", "rest": "the rest of the box, fans and power supply"}


def _money(s: dict[str, Any]) -> str:
    wall = s["energy_j"]["wall"]
    parts = [Share(name, (s["energy_j"][key] or 0) / wall if wall else 0, words.percent((s["energy_j"][key] or 0) / wall) if wall else "") for key, name in _ENERGY.items()]
    standing = sum(p.fraction for p in parts[2:])
    chip = s["energy_j"]["chip"]
    body = paragraph("The energy is the provider's, and not known.")
    if not _is_hosted(s):
        body = paragraph(
            f"{words.energy(wall)} at the wall, of which {words.percent(1 - standing)} go into arithmetic and moving bytes: the rest flows because the box "
            "is on, or at work, whatever it computes. The chip's own sensor would show "
            f"{words.energy(chip)}. That is {words.three(s['j_per_tok_output'])}{words.SPACE}J for each output token."
        )
        body += shares(parts, label="Shares of the energy: " + ", ".join(f"{p.name} {p.text}" for p in parts))
    cost = s["cost_usd"]
    rented = s["energy_j"].get("rented", 0.0)
    hardware = "hardware, less resale, for this time" if not rented else "rent, with its electricity" if math.isclose(rented, wall) else "rents, and hardware less resale"
    named = (("hardware", hardware), ("electricity", "electricity"), ("cooling", "cooling of the room"), ("api", "hosted API"))
    rows = [[name, words.usd(cost.get(key))] for key, name in named if key in cost and cost[key] != 0]
    rows.append(["all together", words.usd(cost["total"])])
    if cost["total"] and cost.get("whole_days", cost["total"]) > 1.01 * cost["total"]:
        rows.append(["with the box's price for whole days", words.usd(cost["whole_days"])])
    rows.append(["a million output tokens", words.usd(s["usd_per_mtok_output"])])
    body += table(["cost", ""], rows, caption="Electricity and rents of the whole run, hardware from the first request to the last answer")
    if cost["electricity"] is None and not _is_hosted(s):
        body += paragraph("The scenario gives no price of electricity (prices.electricity).", "soft")
    return body


def _again(results: Results) -> str:
    sets = " ".join(f"--set {_quoted(line)}" for line in asked.changes(results))
    body = paragraph("Equal scenario, seed, version and platform give equal bytes.")
    body += f"<pre tabindex=0>tokwatt run SCENARIO{esc(' ' + sets if sets else '')} -o out.h5</pre>"
    body += behind("The scenario", f"<pre tabindex=0>{esc(results.texts.get('scenario', ''))}</pre>")
    hashes = getattr(results._run, "hashes", {})
    rows = [[name, hashes[name]] for name in results.texts if hashes.get(name)]
    facts = [["seed", str(results.seed)], ["version of tokwatt", getattr(results._run, "version", _core.__version__)], *rows]
    return body + behind("Seed, version and SHA-256 of every text used", table(["", ""], facts, caption="What went in", texts=2))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'" if any(c in text for c in " \"'$`\\*?[]{}<>|&;()") else text
