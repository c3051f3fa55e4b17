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
# # What does a token cost in joules?
#
# Published figures of energy per token differ by factors of ten. Part of that is neither the model nor the chip but how busy the box was.
# **How much of a token's energy is the box being on, and how much is the token itself?**
#
# If the box drew a fixed power and each token a fixed energy on top, then power would be a straight line over the rate of tokens:
# $P = P_0 + e \cdot r$, and energy per token $P_0 / r + e$. Here the simulation is asked at rates from nearly idle to nearly full, for
# three models on one box, and the line is fitted.

# %% tags=["parameters"]
box, engine = "dgx-spark", "vllm"
models = {"gpt-oss-120b": "mxfp4", "llama-3.1-8b": "bf16", "llama-3.1-70b": "w4a16-int4"}
prompt, output = 500, 300
loads = [0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8]  # of what the box can do
duration = "1 h"

# %%
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import tokwatt as tw


def scenario(model, workload, **more):
    return {
        "title": f"{model} on {box}",
        "duration": duration,
        "systems": {"box": {"sheet": box}},
        "deployments": {"d": {"model": model, "quant": models[model], "engine": engine, "runs_on": "box", "limits": {"max_num_seqs": 32}}},
        "workload": [{"name": "w", "to": "d", "prompt": prompt, "output": {"exponential": output}, **workload}],
        **more,
    }


# %% [markdown]
# ## How much can it do?
#
# Sixty-four users who never pause keep the 32 places of the batch full.

# %%
full = {model: tw.run(scenario(model, {"users": 64, "think": {"constant": "0 s"}})).summary for model in models}
capacity = {model: s["request_rate_per_s"] for model, s in full.items()}
pd.DataFrame({m: {"requests/s": capacity[m], "tokens/s": s["throughput_tok_s"]["output"], "J per token, full": s["j_per_tok_output"]} for m, s in full.items()}).T.round(3)

# %% [markdown]
# ## At each load

# %%
points = [(model, load) for model in models for load in loads]


def simulate(point):
    model, load = point
    arrivals = {"process": "poisson", "rate": f"{load * capacity[model]:.9f}/s"}
    return tw.run(scenario(model, {"arrivals": arrivals})).summary


with ThreadPoolExecutor() as pool:
    summaries = dict(zip(points, pool.map(simulate, points)))
seconds = pd.Timedelta(duration).total_seconds()
table = pd.DataFrame(
    {
        (model, load): {
            "tokens/s": s["tokens"]["output"] / seconds,
            "wall [W]": s["energy_j"]["wall"] / seconds,
            "J per token": s["energy_j"]["wall"] / s["tokens"]["output"],
            "busy": 1 - s["limited_by"]["idle"],
            "batch": s["batch"]["mean"],
            "standing [%]": 100 * (s["energy_j"]["static"] + s["energy_j"]["rest"]) / s["energy_j"]["wall"],
        }
        for (model, load), s in summaries.items()
    }
).T.rename_axis(["model", "load"])
table.round(2)

# %% [markdown]
# ## Is it a line?

# %%
COLORS = ["#0072B2", "#D55E00", "#009E73"]
figure = go.Figure()
fits = {}
for color, model in zip(COLORS, models):
    rows = table.loc[model]
    slope, base = np.polyfit(rows["tokens/s"], rows["wall [W]"], 1)
    residual = rows["wall [W]"] - (base + slope * rows["tokens/s"])
    fits[model] = {"P0 [W]": base, "e [J]": slope, "worst residual [W]": residual.abs().max(), "R2": 1 - residual.var() / rows["wall [W]"].var()}
    figure.add_scatter(x=rows["tokens/s"], y=rows["J per token"], name=model, mode="lines+markers", line_color=color)
figure.update_xaxes(type="log", title="output [tokens/s]")
figure.update_yaxes(type="log", title="energy at the wall [J per token]")
figure.update_layout(template="plotly_white", height=420, title=f"Energy per token on {box}, from nearly idle to four fifths of what it can do")
figure

# %%
pd.DataFrame(fits).T.round(3)

# %% [markdown]
# It is not. The line bends because the box's power is that of a box that works or of one that rests, and at low load a single request
# already makes it work. So there are three parts: resting power all the time, working power while it is busy, and energy for
# each token: $P = P_0 + P_b \cdot b + e \cdot r$, with $b$ the share of time in which it is busy.

# %%
parts = {}
for model in models:
    rows = table.loc[model]
    terms = np.column_stack([np.ones(len(rows)), rows["busy"], rows["tokens/s"]])
    (rest, work, token), *_ = np.linalg.lstsq(terms, rows["wall [W]"], rcond=None)
    residual = rows["wall [W]"] - terms @ [rest, work, token]
    parts[model] = {"at rest [W]": rest, "while busy [W]": work, "each token [J]": token, "worst residual [W]": residual.abs().max(), "R2": 1 - residual.var() / rows["wall [W]"].var()}
fitted = pd.DataFrame(parts).T
fitted.round(3)

# %% [markdown]
# ## The answer

# %%
for model in models:
    rows, fit = table.loc[model], fitted.loc[model]
    low, high, busiest = rows["J per token"].max(), rows["J per token"].min(), rows.iloc[-1]
    print(f"{model}: {low:.3g} J per token at {100 * min(loads):.0f} % load, {high:.3g} J at {100 * max(loads):.0f} %: {low / high:.1f} times as much for the same token.")
    print(f"   Three parts describe its power within {fit['worst residual [W]']:.1f} W. At {100 * max(loads):.0f} % load a token's {high:.3g} J are {fit['at rest [W]'] / busiest['tokens/s']:.3g} J of being on,")
    print(f"   {fit['while busy [W]'] * busiest['busy'] / busiest['tokens/s']:.3g} J of working and {fit['each token [J]']:.3g} J of its own.")
print("\nA figure of joules per token without the load it was taken at says little about the model.")

# %%
# What must hold whatever the numbers are.
for model in models:
    rows = table.loc[model]
    assert rows["wall [W]"].is_monotonic_increasing, "more work never draws less power"
    assert rows["J per token"].is_monotonic_decreasing, "a busier box never spends more on a token"
    parts = [s["energy_j"] for (m, _), s in summaries.items() if m == model]
    assert all(np.isclose(e["wall"], e["compute"] + e["memory"] + e["static"] + e["rest"], rtol=1e-9) for e in parts), "energy is conserved"
