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
# # Which box for the team?
#
# A team wants gpt-oss-120b for itself: chat, with a prompt of some 800 tokens in the median and a few long ones, an answer of 250.
# **Which box on a desk serves twelve people well, what does it cost a month, and how far can the team grow before it is too slow?**
#
# *Well* means: 95 of 100 first tokens within two seconds, and text that comes no slower than one reads (ten tokens a second)
# in 95 of 100 answers.

# %% tags=["parameters"]
model, quant = "gpt-oss-120b", "mxfp4"
boxes = {  # the box, and the engine that its owners would run
    "dgx-spark": "vllm",
    "mac-studio-m3-ultra-80c-256": "llama.cpp-metal",
    "strix-halo-128": "llama.cpp-vulkan",
    "rtx-pro-6000": "vllm",
}
team = 12
sizes = [4, 8, 12, 16, 24, 36, 48]  # must contain the team
first_token = 2.0  # s, for 95 of 100
per_token = 0.1  # s, for 95 of 100
electricity = 0.30  # USD/kWh
horizon = 36  # months until the box is sold
duration = "2 h"

# %% [markdown]
# ## What fits at all
#
# `fit` knows which boxes hold the model, and how fast one person alone would read.

# %%
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import plotly.graph_objects as go
import tokwatt as tw

fits = tw.fit(model=model, quant=quant, users=team, context=8192).set_index("system").loc[list(boxes)]
about = fits.join(tw.systems()[["title", "price"]])
about["weights [GB]"] = about["weight_bytes"] / 1e9
names = {"price": "price [USD]", "most_users": "people with 8,192 tokens", "decode_tok_s": "tokens/s, one reader", "decode_tok_s_low": "low", "decode_tok_s_high": "high"}
about[["title", "price", "weights [GB]", "most_users", "decode_tok_s", "decode_tok_s_low", "decode_tok_s_high"]].rename(columns=names).round(1)

# %% [markdown]
# ## Two hours of each team on each box
#
# The same people with the same questions everywhere (the seed is the same). llama-server takes four conversations at a time unless
# told otherwise; here it has a slot for each of 48 people, so that no box is refused for a default.


# %%
def simulate(box, users):
    people = {
        "name": "people",
        "to": "assistant",
        "users": users,
        "think": {"exponential": "30 s"},
        "prompt": {"lognormal": {"median": 800, "p99": 8000}},
        "output": {"lognormal": {"median": 250, "p99": 2000}},
    }
    limits = {"max_num_seqs": max(sizes), "max_model_len": 16384}
    scenario = {
        "title": f"{users} people on {box}",
        "duration": duration,
        "systems": {"box": {"sheet": box}},
        "deployments": {"assistant": {"model": model, "quant": quant, "engine": boxes[box], "runs_on": "box", "limits": limits}},
        "workload": [people],
        "prices": {"electricity": f"{electricity} USD/kWh", "horizon": f"{horizon} months"},
    }
    return tw.run(scenario)


points = [(box, users) for box in boxes for users in sizes]
with ThreadPoolExecutor() as pool:
    runs = dict(zip(points, pool.map(lambda point: simulate(*point), points)))


def figures(summary):
    hours = summary["duration_s"] / 3600
    return {
        "first token, 95 % [s]": summary["ttft_s"]["p95"],
        "per token, 95 % [s]": summary["tpot_s"]["p95"],
        "output [tokens/s]": summary["throughput_tok_s"]["output"],
        "wall power [W]": summary["power_w"]["wall"]["mean"],
        "a month [USD]": summary["cost_usd"]["total"] / hours * 730.5,
        "limited by": max(summary["limited_by"], key=summary["limited_by"].get),
    }


table = pd.DataFrame({point: figures(run.summary) for point, run in runs.items()}).T
table.index.names = ["box", "people"]
numbers = [name for name in table if name != "limited by"]
table[numbers] = table[numbers].astype(float)
table.xs(team, level="people").round(2)

# %% [markdown]
# *A month* is 730.5 hours of that load, electricity and what the box loses in value: a team that goes home at night pays less for
# electricity, and the same for the box.
#
# ## As the team grows

# %%
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7"]
figure = go.Figure()
for color, box in zip(COLORS, boxes):
    rows = table.xs(box, level="box")
    figure.add_scatter(x=rows.index, y=rows["first token, 95 % [s]"], name=box, mode="lines+markers", line_color=color)
figure.add_hline(y=first_token, line_dash="dot", annotation_text=f"{first_token:g} s")
figure.update_layout(template="plotly_white", title="How long 5 of 100 people wait for the first token", height=420)
figure.update_yaxes(title="first token, 95 % [s]", type="log", tickvals=[0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100])
figure.update_xaxes(title="people")
figure

# %% [markdown]
# ## The answer


# %%
def serves(box, users):
    row = table.loc[(box, users)]
    return row["first token, 95 % [s]"] <= first_token and row["per token, 95 % [s]"] <= per_token


def grows_to(box):
    """The largest team up to which every size that was tried is served well."""
    good = 0
    for users in sizes:
        if not serves(box, users):
            break
        good = users
    return good


month = table.xs(team, level="people")["a month [USD]"]
for box in month.sort_values().index:
    row = table.loc[(box, team)]
    verdict = f"serves a team of {team} well, and up to {grows_to(box)} of those tried" if serves(box, team) else f"is too slow for a team of {team}"
    print(f"{box}: {verdict}; {month[box]:.0f} USD a month.")
    print(f"    first token within {row['first token, 95 % [s]']:.2f} s, {1 / row['per token, 95 % [s]']:.0f} tokens/s; limited by {row['limited by']}")
good = [box for box in boxes if serves(box, team)]
if good:
    print(f"\nThe cheapest that serves {team} people well is {min(good, key=month.get)}.")
else:
    print(f"\nNone of them serves {team} people well.")

# %% [markdown]
# These are point predictions: of the rates they rest on, `fit` above shows the 90 % interval for one reader. Now move the sliders: the
# scenario is simulated again at each move.

# %%
tw.whatif("../scenarios/twelve-people-on-a-spark.yaml", set={"duration": duration, "timeline": []})

# %%
# What must hold whatever the numbers are.
first = table["first token, 95 % [s]"].unstack()
assert (first[max(sizes)] >= first[min(sizes)]).all(), "more people never wait less"
assert (table["per token, 95 % [s]"] > 0).all()
assert all(run.summary["requests"]["unfinished"] <= users for (_, users), run in runs.items()), "a person has one question at a time"
