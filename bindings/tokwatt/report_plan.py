"""The months of a plan, in the report of a run."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import words
from .charts import Axis, Binned, Line, Panel, table, tick_text, ticks, timeline
from .report_page import paragraph
from .results import Results

_PARTS = (("hardware_usd", "hardware"), ("rent_usd", "rents"), ("electricity_usd", "electricity"), ("cooling_usd", "cooling"), ("api_usd", "hosted models"))


def html(results: Results) -> str:
    """What it comes to, how it gets there, and what others ask; empty without a plan."""
    plan = results.summary.get("plan")
    if plan is None:
        return ""
    return _total(plan) + _curves(results) + _bill(plan) + _against(plan) + _days(plan)


def _range(estimate: dict[str, float]) -> str:
    low, high = estimate["low"], estimate["high"]
    return words.usd(estimate["value"]) if low == high else f"{words.usd(estimate['value'])} ({words.usd(low)} to {words.usd(high)})"


def _total(plan: dict[str, Any]) -> str:
    bought = plan["price_usd"] > 0
    what = f"{plan['months']} months of {plan['days_per_month']:.3g} such days cost {_range(plan['cost_usd'])}"
    said = f"{what}{', were the box sold at the end' if bought else ''}: {words.usd(plan['usd_per_month'])} a month"
    said += f", {words.usd(plan['usd_per_mtok_output'])} for a million output tokens." if plan["usd_per_mtok_output"] is not None else "."
    body = paragraph(said)
    resale = plan.get("resale", {})
    if resale.get("from") == "resale_per_year":
        body += paragraph("What a box fetches is assumed: so much of its price is left after each year, a tenth less to a tenth more.", "soft")
    if "otherwise" in resale:
        other = "what was paid" if resale["otherwise"]["follows"] == "purchase" else "what a new one costs then"
        body += paragraph(f"Were a used box worth a share of {other}, it would be {_range(resale['otherwise']['cost_usd'])}.", "soft")
    if plan["full_from_month"] is not None:
        body += paragraph(f"The box is full by month {plan['full_from_month']}: costs are those of the answers that it writes.")
    return body


def _curves(results: Results) -> str:
    """What it has cost so far, month by month."""
    plan = results.plan
    month = plan["month"].values.astype(float)
    paid = (plan["cumulated"] + plan["debt"]).values
    bought = results.summary["plan"]["price_usd"] > 0

    def binned(mean: np.ndarray, low: np.ndarray, high: np.ndarray) -> Binned:
        return Binned(month, mean, low, high)

    sold = binned(paid - plan["resale"].values, paid - plan["resale_high"].values, paid - plan["resale_low"].values)
    lines = [Line("the box, sold then" if bought else "this plan", sold)]
    if bought:
        lines.append(Line("the box, kept", binned(paid, paid, paid)))
    for name in plan["against"].values if "against" in plan.dims else []:
        cost = plan["against_cumulated"].sel(against=name).values
        lines.append(Line(str(name), binned(cost, cost, cost)))
    axis = Axis(0, month[-1])
    axis.marks = [(m, f"month {tick_text(m)}") for m in ticks(0, month[-1], 5)]
    label = "Cost so far in USD by month; at the end " + ", ".join(f"{line.name} {words.usd(float(line.values.mean[-1]))}" for line in lines)
    return timeline([Panel("Cost so far", "USD", lines, tall=True)], axis, [], label=label)


def _bill(plan: dict[str, Any]) -> str:
    rows = [[name, words.usd(plan[key])] for key, name in _PARTS if plan[key]]
    if plan["debt_usd"]:
        rows.append(["still owed", words.usd(plan["debt_usd"])])
    if plan["price_usd"] > 0:
        rows.append(["what it would fetch", f"less {_range(plan['resale_usd'])}"])
    rows.append(["all together", _range(plan["cost_usd"])])
    return table(["", ""], rows, caption=f"All {plan['months']} months")


def _months(months: dict[str, int | None]) -> str:
    if months["value"] is None:
        return "never"
    return "at once" if months["value"] == 0 else f"from month {months['value']}"


def _against(plan: dict[str, Any]) -> str:
    if not plan["against"]:
        return ""
    bought = plan["price_usd"] > 0
    head = ["the same tokens at", "in all", "dearer by, a month", "box pays, if sold" if bought else "plan pays", *(["if kept"] if bought else [])]
    rows = [
        [name, words.usd(rival["cost_usd"]["value"]), words.usd(rival["saved_usd_per_month"]), _months(rival["break_even_month"]), *([_months(rival["payback_month"])] if bought else [])]
        for name, rival in plan["against"].items()
    ]
    return table(head, rows, caption="What others ask, and from when on it has cost no more")


def _days(plan: dict[str, Any]) -> str:
    """What the days that were simulated are like for who waits."""
    if len(plan["days"]) < 2:
        return ""
    rows = [
        [str(day["month"]), f"x{words.SPACE}{words.three(day['load'])}", words.duration(day["ttft_s_p95"]), words.duration(day["tpot_s_p95"]), words.percent(day["carried"])]
        for day in plan["days"]
    ]
    return table(["in month", "requests", "first token, 95 %", "per token, 95 %", "answers written"], rows, caption="As requests grow")
