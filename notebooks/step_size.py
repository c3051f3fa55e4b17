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
# # How large a step?
#
# vLLM fills each step with at most `max_num_batched_tokens` tokens: one for each answer that is being written, and as much of the waiting
# prompts as still goes in. A large budget reads prompts quickly, but everybody who is reading along waits for that step. **Which
# budget suits a real trace, and what does the wrong one cost?**
#
# The trace is Azure's conversations, at twice their pace, on one H100 with Llama 3.1 8B.

# %% tags=["parameters"]
scenario = "../scenarios/azure-conversation-on-an-h100.yaml"
budgets = [256, 512, 1024, 2048, 4096, 8192, 16384]
speed = 2.0
limit = 6000  # rows of the trace
places = 256  # sequences at once; a step must have room for a token of each

# %%
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import tokwatt as tw
from plotly.subplots import make_subplots

base = tw.load(scenario, set={"workload.0.speed": speed, "workload.0.limit": limit, "deployments.assistant.limits": {"max_num_seqs": places}})
base

# %%
with ThreadPoolExecutor() as pool:
    runs = dict(zip(budgets, pool.map(lambda budget: base.run(set={"deployments.assistant.limits.max_num_batched_tokens": budget}), budgets)))

FIGURES = {
    "first token, median [ms]": lambda s: 1e3 * s["ttft_s"]["p50"],
    "first token, 99 % [ms]": lambda s: 1e3 * s["ttft_s"]["p99"],
    "gap, median [ms]": lambda s: 1e3 * s["itl_s"]["p50"],
    "gap, 99 % [ms]": lambda s: 1e3 * s["itl_s"]["p99"],
    "longest gap [ms]": lambda s: 1e3 * s["itl_s"]["max"],
    "whole answer, 95 % [s]": lambda s: s["e2e_s"]["p95"],
    "J per token": lambda s: s["j_per_tok_output"],
}
table = pd.DataFrame({budget: {name: of(run.summary) for name, of in FIGURES.items()} for budget, run in runs.items()}).T.rename_axis("budget")
table.round(2)

# %% [markdown]
# ## What is traded for what

# %%
figure = make_subplots(rows=1, cols=2, subplot_titles=("99 % of first tokens", "99 % of gaps, and the longest"))
figure.add_scatter(x=table.index, y=table["first token, 99 % [ms]"], name="first token, 99 %", line_color="#0072B2", mode="lines+markers", row=1, col=1)
figure.add_scatter(x=table.index, y=table["gap, 99 % [ms]"], name="gap, 99 %", line_color="#D55E00", mode="lines+markers", row=1, col=2)
figure.add_scatter(x=table.index, y=table["longest gap [ms]"], name="longest gap", line_color="#CC79A7", mode="lines+markers", row=1, col=2)
figure.update_xaxes(type="log", tickvals=budgets, title="max_num_batched_tokens")
figure.update_yaxes(rangemode="tozero", title="ms")
figure.update_layout(template="plotly_white", height=380, legend={"orientation": "h", "y": -0.3})
figure

# %% [markdown]
# ## Where the longest gap comes from
#
# Each run keeps its steps (`segments`). The longest step of a budget should be one that is full of prompt, and its length should grow
# with the budget once arithmetic is the limit, since a step of twice the tokens is twice the arithmetic.

# %%
longest = pd.DataFrame(
    {budget: run.segments.loc[run.segments["duration"].idxmax(), ["duration", "chunk_tokens", "decoding"]] for budget, run in runs.items()}
).T.rename_axis("budget")
longest["duration [ms]"] = longest.pop("duration") * 1e-9
longest.astype({"chunk_tokens": int, "decoding": int}).round(2)

# %% [markdown]
# ## The answer

# %%
gap = table["gap, 99 % [ms]"]
first = table["first token, 99 % [ms]"]
both = (gap / gap.min()).clip(lower=1) * (first / first.min()).clip(lower=1)
best = int(both.idxmin())
default = 8192  # vLLM's for an H100
print(f"Of these budgets {best:,} is the best compromise (the least product of the two): 99 % of first tokens within {first[best]:.0f} ms, 99 % of gaps within {gap[best]:.0f} ms.")
if default in budgets and default != best:
    print(f"vLLM's default here, {default:,}: {first[default]:.0f} ms and {gap[default]:.0f} ms; its longest gap is {table.loc[default, 'longest gap [ms]'] / table.loc[best, 'longest gap [ms]']:.1f} times as long.")
small = min(budgets)
large = max(budgets)
waits, stalls = first[small] / first[best], gap[large] / gap[best]
print(f"Too small costs {'more' if waits > stalls else 'less'} than too large: with {small:,} tokens 99 % of first tokens take {first[small]:.0f} ms, {waits:.1f} times as long; with {large:,} 99 % of gaps take {gap[large]:.0f} ms, {stalls:.1f} times as long.")
print(f"Energy hardly cares: {table['J per token'].min():.3f} to {table['J per token'].max():.3f} J per token.")

# %%
# What must hold whatever the numbers are.
assert all(run.summary["requests"]["completed"] == limit for run in runs.values()), "every request is answered"
assert len({run.summary["tokens"]["output"] for run in runs.values()}) == 1, "the budget changes when, never how much"
steps = {budget: run.segments for budget, run in runs.items()}
assert all((s["chunk_tokens"] + s["decoding"] <= budget).all() for budget, s in steps.items()), "no step is larger than its budget"
assert np.all(np.diff(longest["duration [ms]"].to_numpy()) > -1e-6), "a larger budget never makes the longest step shorter"
