# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Box or API?
#
# A team wants an assistant of its own: first one person, then twelve, then sixty. **Is it cheaper to buy a box (a DGX Spark, a Mac Studio, a
# desktop with an RTX 5090), or to pay somebody else by the token? From which month on? And does the answer hold if APIs get cheaper, or
# electricity dearer?**
#
# Two open models are in question, since one of the boxes is small: Qwen3 30B-A3B fits all three, gpt-oss-120b only the first two. Both can be had
# from hosts by the token, so that box and API give the same answers, but for what the quant loses; how good those answers are, and whether a larger
# model that no box here holds would be worth its price, is not this notebook's subject, nor tokwatt's.
#
# Each person asks a question every two minutes on average, all working day, whatever the box: who is served slowly does not ask less. *Served
# well* means that 95 of 100 first tokens come within three seconds, and 95 of 100 answers at ten tokens a second or more; where one box does not do
# that, several are bought. They are kept for three years of 21 working days a month, stay on at night, and are sold then.

# %% tags=["parameters"]
scenario = "../scenarios/twelve-people-on-a-spark.yaml"
cloud = "../scenarios/the-cloud-instead.yaml"
teams = [1, 12, 60]
sizes = [1, 3, 12, 30, 60, 120, 240]  # for the curves; must contain the teams
questions = 30  # per person and hour
models = {  # by model and box: the engine that its owner would run, and the weights
    "qwen3-30b-a3b-2507": {"dgx-spark": ("vllm", "awq-int4"), "mac-studio-m5-max-128": ("llama.cpp-metal", "q4_k_m"), "rtx-5090": ("vllm", "awq-int4")},
    "gpt-oss-120b": {"dgx-spark": ("vllm", "mxfp4"), "mac-studio-m5-max-128": ("llama.cpp-metal", "mxfp4")},
}
hosts = {"qwen3-30b-a3b-2507": "hosted-qwen3-30b-a3b-2507", "gpt-oss-120b": "hosted-gpt-oss-120b"}  # of the same model, by the token
dear = "gpt-5-mini"  # what people take who do not ask for an open model
desktop = 1500  # USD, what a 5090 is put into: assumed, as in its sheet
resale = {"month": 36, "low": 0.2, "high": 0.6}  # what is left of a box's price: assumed
tariff = "us-average"
first_token, per_token = 3.0, 0.1  # s, for 95 of 100

# %%
import pandas as pd
import plotly.graph_objects as go
import tokwatt as tw
from plotly.subplots import make_subplots
from tokwatt.plots import COLORS

pd.set_option("display.max_colwidth", None)
BOXES = list(dict.fromkeys(box for of_model in models.values() for box in of_model))
PLACES = [(model, box) for model in models for box in models[model]]
NAMES = {"dgx-spark": "Spark", "mac-studio-m5-max-128": "Mac Studio", "rtx-5090": "5090"}

# %% [markdown]
# ## What it costs to begin
#
# Prices as the sheets have them, each with its date and its source. What is `assumed` nobody has looked up: the host's price of gpt-oss-120b is such
# a figure.

# %%
PRICES = {"price.purchase": "box", "prices.0.input": "prompts", "prices.0.output": "answers", "rules.0.price": "electricity"}


def prices_of(name):
    sheet = tw.show(name)
    numbers = sheet.numbers[sheet.numbers.index.isin(PRICES)]
    sources = ["; ".join(filter(None, [note, *map(sheet.sources.get, of)])) for note, of in zip(numbers["note"], numbers["sources"])]
    return numbers[["text", "confidence"]].rename(index=PRICES, columns={"text": "price"}).assign(sheet=name, source=sources)


pd.concat(map(prices_of, [*BOXES, *hosts.values(), dear, tariff])).reset_index(names="of").set_index(["sheet", "of"])

# %% [markdown]
# ## How fast?
#
# A study: each model on each box, for more and more people. Points that are not *served well* are hollow.


# %%
def asked_by(people):
    lengths = {"prompt": {"lognormal": {"median": 800, "p99": 8000}, "max": 12000}, "output": {"lognormal": {"median": 250, "p99": 2000}}}
    arrivals = {"process": "poisson", "rate": f"{people * questions}/h"}
    return {"workload": [{"name": "people", "to": "assistant", "arrivals": arrivals, **lengths}], "record.requests": False}


def changes(model, box, people, copies=1, **more):
    """What turns the scenario into this model on so many of these boxes, for so many people."""
    engine, quant = models[model][box]
    names = [f"box{i}" for i in range(1, copies + 1)]
    sheet = {"sheet": box}
    if box == "rtx-5090":
        sheet["price"] = {"host": f"{desktop} USD"}
    served = {"model": model, "quant": quant, "engine": engine, "runs_on": names, "replicas": copies}
    if engine.startswith("llama.cpp"):  # four at a time unless told otherwise
        served["limits"] = {"max_num_seqs": 48, "max_model_len": 16384}
    return asked_by(people) | {
        "systems": dict.fromkeys(names, sheet),
        "deployments": {"assistant": served},
        "prices": {"tariff": tariff, "horizon": "36 months"},
        "timeline": [],
        **more,
    }


study = {
    "title": "One box, more and more people",
    "base": scenario,
    "set": {**asked_by(1), "timeline": [], "duration": "2 h"},
    "axes": {
        "place": {"variants": {f"{NAMES[box]}, {model}": {"set": {key: changes(model, box, 1)[key] for key in ("systems", "deployments")}} for model, box in PLACES}},
        "questions": {"key": "workload.0.arrivals.rate", "values": [f"{people * questions}/h" for people in sizes if people <= max(teams)]},
    },
    "metrics": ["ttft_s.p95", "tpot_s.p95"],
    "constraints": [f"ttft_s.p95 < {first_token} s", f"tpot_s.p95 < {per_token} s"],
}
tw.study(study).tokwatt.plot()

# %% [markdown]
# Twelve people with gpt-oss-120b in detail, against the Spark. The brackets are intervals of 90 %, from what is not known of engines and boxes; the
# last rows are what APIs ask for the tokens of those two hours.

# %%
slots = {"deployments.assistant.limits": {"max_num_seqs": 48, "max_model_len": 16384}}
compared = tw.compare(scenario, systems=BOXES, apis=[hosts["gpt-oss-120b"], dear], set=changes("gpt-oss-120b", "dgx-spark", 12, duration="2 h") | slots, interval=True)
compared

# %%
compared.plot()

# %% [markdown]
# So many boxes does each team need: one more until both objectives hold, for an hour of those people. These are point predictions.


# %%
def copies_for(model, box, people, least):
    for copies in range(least, 11):
        s = tw.run(scenario, set=changes(model, box, people, copies, duration="1 h"), interval="off").summary
        if s["ttft_s"]["p95"] < first_token and s["tpot_s"]["p95"] < per_token:
            return copies
    raise ValueError(f"ten of {box} do not serve {people} people well")


copies = {}
for model, box in PLACES:
    least = 1
    for people in sizes:
        least = copies[model, box, people] = copies_for(model, box, people, least)
pd.Series(copies).rename(index=NAMES).rename_axis(["model", "box", "people"]).unstack()

# %% [markdown]
# What does an API give that a box does not? The same speed for sixty people as for one, which a Spark or a Mac Studio under load has not (a 5090
# has, with the smaller model); nothing to buy, to power or to repair. What a box gives: prompts that stay in the house, no limits of rate, no bill
# that grows with use. A provider's times are nowhere published and assumed here: a first token after 0.6 s in the median, then 80 tokens a second.

# %%
most = max(teams)


def speeds(run):
    s = run.summary
    return {"first token, 95 % [s]": s["ttft_s"]["p95"], "tokens/s, median": 1 / s["tpot_s"]["p50"], "whole answer, 95 % [s]": s["e2e_s"]["p95"]}


rows = {}
for model in models:
    hosted = {"deployments": {"assistant": {"api": {"sheet": hosts[model]}}}, **asked_by(most), "duration": "2 h"}
    rows[model, "API"] = speeds(tw.run(cloud, set=hosted, interval="off"))
for model, box in PLACES:
    many = copies[model, box, most]
    rows[model, f"{many} x {NAMES[box]}"] = speeds(tw.run(scenario, set=changes(model, box, most, many, duration="2 h"), interval="off"))
pd.DataFrame(rows).T.rename_axis(["model", f"for {most} people"]).sort_index().round(1)

# %% [markdown]
# ## Three years
#
# A `plan` in the scenario: the day as simulated on 21 days a month, for 36 months; what the boxes draw at night, with the model loaded (an hour of
# nobody is simulated too); what they fetch in the end.

# %%
nobody = {"workload": [{"name": "nobody", "to": "assistant", "arrivals": {"process": "constant", "rate": "1/h"}, "prompt": 1, "output": 1}], "duration": "2 h"}
at_rest = {place: tw.run(scenario, set=changes(*place, people=1) | nobody, interval="off").summary["power_w"]["wall"]["mean"] for place in PLACES}  # W


def three_years(model, box, people, shocks=()):
    many = copies[model, box, people]
    plan = {"months": 36, "days_per_month": 21, "resale": [resale], "power_between": f"{many * at_rest[model, box]:.1f} W"}
    plan |= {"against": [hosts[model], dear], "shocks": list(shocks)}
    return tw.run(scenario, set=changes(model, box, people, many, plan=plan), interval="off")


runs = {(model, box, people): three_years(model, box, people) for model, box in PLACES for people in sizes}


def usd(ends, months=1):
    return f"{ends['value'] / months:,.0f} ({ends['low'] / months:,.0f} to {ends['high'] / months:,.0f})"


def month(ends):
    value, low, high = ("never" if ends[end] is None else str(ends[end]) for end in ("value", "low", "high"))
    return value if low == high else f"{value} ({low} to {high})"


def figures(run, model):
    plan = run.summary["plan"]
    out = {"a month [USD]": usd(plan["cost_usd"], 36), "36 months [USD]": usd(plan["cost_usd"]), "electricity of that": f"{plan['electricity_usd']:,.0f}"}
    for name, api in (("host", plan["against"][hosts[model]]), (dear, plan["against"][dear])):
        out |= {f"{name} [USD]": f"{api['cost_usd']['value']:,.0f}", f"paid back against {name}": month(api["payback_month"])}
    return out


table = {(people, model, f"{copies[model, box, people]} x {NAMES[box]}"): figures(runs[model, box, people], model) for people in teams for model, box in PLACES}
pd.DataFrame(table).T.rename_axis(["people", "model", "boxes"])

# %% [markdown]
# In brackets: the box fetches most and its energy is overestimated by a tenth, or it fetches least and its energy is underestimated. *Host* is who
# offers the same model. *Paid back* is the month from which on the box has cost no more than the API even if it is never sold; *never* means not
# within these 36.
#
# ## As the team grows
#
# An API's bill grows with every question, a box's hardly at all until it is full and another must be bought.

# %%
figure = make_subplots(rows=1, cols=len(models), shared_yaxes=True, subplot_titles=list(models), horizontal_spacing=0.04)
for col, model in enumerate(models, start=1):
    drawn = {"showlegend": col == 1, "row": 1, "col": col}
    plans = {box: [runs[model, box, people].summary["plan"] for people in sizes] for box in models[model]}
    for box, of in plans.items():
        ends = pd.DataFrame([plan["cost_usd"] for plan in of]) / 36
        error = {"type": "data", "symmetric": False, "array": ends["high"] - ends["value"], "arrayminus": ends["value"] - ends["low"], "thickness": 1}
        figure.add_scatter(x=sizes, y=ends["value"], error_y=error, name=NAMES[box], mode="lines+markers", line_color=COLORS[BOXES.index(box)], **drawn)
    for name, shown, color in ((hosts[model], "host of the same model", COLORS[3]), (dear, dear, COLORS[6])):
        asks = [plan["against"][name]["cost_usd"]["value"] / 36 for plan in next(iter(plans.values()))]
        figure.add_scatter(x=sizes, y=asks, name=shown, mode="lines", line={"color": color, "dash": "dash"}, **drawn)
figure.update_xaxes(type="log", title="people", tickvals=sizes)
figure.update_yaxes(type="log", tickvals=[1, 3, 10, 30, 100, 300, 1000])
figure.update_yaxes(title="USD a month, over 36 months", col=1)
figure.update_layout(template="plotly_white", height=440, title="What a month costs")
figure

# %% [markdown]
# ## And if prices change?
#
# APIs that ask 30 % less each year, month by month; electricity at twice its price from the first day on; both. Sixty people, each model on what
# carries it at the least cost.


# %%
def cheapest(model, people):
    return min(models[model], key=lambda box: runs[model, box, people].summary["plan"]["cost_usd"]["value"])


falling = [{"month": m, "api": f"x{0.7 ** (1 / 12):.6f}"} for m in range(2, 37)]
double = [{"month": 1, "electricity": "x2"}]
futures = {"as today": [], "APIs 30 % cheaper each year": falling, "electricity doubles": double, "both": falling + double}
what_if = {(model, future): three_years(model, cheapest(model, most), most, shocks) for model in models for future, shocks in futures.items()}
table = {(f"{model}, {copies[model, cheapest(model, most), most]} x {NAMES[cheapest(model, most)]}", future): figures(run, model) for (model, future), run in what_if.items()}
pd.DataFrame(table).T

# %% [markdown]
# The first model over time: what has been spent by each month, less what the box would fetch then.

# %%
model = next(iter(models))
today, less = what_if[model, "as today"].plan, what_if[model, "APIs 30 % cheaper each year"].plan
figure = go.Figure()
figure.add_scatter(x=today["month"], y=today["cumulated"] - today["resale_low"], line_width=0, showlegend=False)
figure.add_scatter(x=today["month"], y=today["cumulated"] - today["resale_high"], line_width=0, fill="tonexty", fillcolor="rgba(0, 114, 178, 0.15)", showlegend=False)
figure.add_scatter(x=today["month"], y=today["cumulated"] - today["resale"], name="the box, if it is sold then", line_color=COLORS[0])
figure.add_scatter(x=today["month"], y=today["cumulated"], name="the box, never sold", line={"color": COLORS[0], "dash": "dot"})
for name, color in ((hosts[model], COLORS[3]), (dear, COLORS[6])):
    figure.add_scatter(x=today["month"], y=today["against_cumulated"].sel(against=name), name=name, line_color=color)
    figure.add_scatter(x=less["month"], y=less["against_cumulated"].sel(against=name), name="30 % cheaper each year", line={"color": color, "dash": "dot"})
figure.update_xaxes(title="month", dtick=6)
figure.update_yaxes(title="USD so far")
figure.update_layout(template="plotly_white", height=440, title=f"{most} people with {model} ({NAMES[cheapest(model, most)]})")
figure

# %% [markdown]
# ## The answer


# %%
def saved(run, name):
    """What the box costs less than an API over the plan [USD]: the middle, the least and the most."""
    plan = run.summary["plan"]
    asks = plan["against"][name]["cost_usd"]["value"]
    return tuple(asks - plan["cost_usd"][end] for end in ("value", "high", "low"))


def verdict(run, name):
    middle, least, at_most = saved(run, name)
    if least > 0:
        return f"{middle:,.0f} USD ({least:,.0f} to {at_most:,.0f}) less than {name}"
    if at_most < 0:
        return f"{-middle:,.0f} USD ({-at_most:,.0f} to {-least:,.0f}) more than {name}"
    return f"between {-least:,.0f} USD more and {at_most:,.0f} USD less than {name}: open"


for people in teams:
    print(f"{people:,} {'person' if people == 1 else 'people'}, over 36 months, the box that costs least against APIs:")
    for model in models:
        box = cheapest(model, people)
        run = runs[model, box, people]
        print(f"   {model} on {copies[model, box, people]} x {NAMES[box]}: {verdict(run, hosts[model])}; {verdict(run, dear)}.")
for model in models:
    pays = [people for people in sizes if saved(runs[model, cheapest(model, people), people], hosts[model])[1] > 0]
    print(f"Against a host of {model} a box pays for {f'{min(pays)} people (of the teams tried)' if pays else f'none of the teams tried, up to {max(sizes)} people'}.")
for (model, future), run in what_if.items():
    if future != "as today":
        print(f"{most} people with {model}, {future}: {verdict(run, dear)}.")

# %% [markdown]
# In plain words: an open model costs less at somebody who hosts it than on a box of one's own, for one person, twelve and sixty; only where hundreds
# keep one fast card busy it is the other way round. So a box is bought for what an API does not give. Against the price of a closed model one
# person should not buy, for twelve it depends on what the box fetches in the end, and for sixty it pays, if an open model is good enough for them:
# with cheaper APIs and dearer electricity too. Electricity hardly matters on a Spark or a Mac; what they fetch in the end does.
#
# Left out: the quality of answers, people's time for a machine of their own, taxes and repairs, and prompts that a provider has in its cache.

# %%
# What must hold whatever the numbers are.
assert set(teams) <= set(sizes)
for (model, box, people), run in runs.items():
    plan = run.summary["plan"]
    assert plan["cost_usd"]["low"] < plan["cost_usd"]["value"] < plan["cost_usd"]["high"]
    assert run.summary["requests"]["rejected"] == 0, "every question is answered"
for model in models:
    asks = {future: what_if[model, future].summary["plan"]["against"][dear]["cost_usd"]["value"] for future in futures}
    mean = sum(0.7 ** (m / 12) for m in range(36)) / 36
    assert abs(asks["APIs 30 % cheaper each year"] / asks["as today"] / mean - 1) < 1e-4, "falling prices are what they say"
    assert asks["electricity doubles"] == asks["as today"], "an API's bill has no electricity in it"

# %%
# What the plain words say.
for model in models:
    signs = {(people, name): saved(runs[model, cheapest(model, people), people], name) for people in teams for name in (hosts[model], dear)}
    assert all(max(signs[people, hosts[model]]) < 0 for people in teams)
    assert max(signs[1, dear]) < 0 and min(signs[12, dear]) < 0 < max(signs[12, dear])
    assert all(min(saved(what_if[model, future], dear)) > 0 for future in futures)
assert min(saved(runs["qwen3-30b-a3b-2507", "rtx-5090", 240], hosts["qwen3-30b-a3b-2507"])) > 0
