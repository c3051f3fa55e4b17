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
# # How many people, and what breaks first?
#
# One DGX Spark serves gpt-oss-120b to a team under vLLM. The team grows. **How many people can it carry so that 95 of 100 first tokens
# come within two seconds, and 95 of 100 answers at ten tokens a second or more? What gives way first, and what would help?**
#
# The people are those of `scenarios/twelve-people-on-a-spark.yaml`: each thinks for 30 s on average, sends a prompt of some 800 tokens
# (one in a hundred is ten times as long), waits for the whole answer, and thinks again.

# %% tags=["parameters"]
scenario = "../scenarios/twelve-people-on-a-spark.yaml"
first_token = "ttft_p95<2s"
per_token = "tpot_p95<100ms"
duration = "2 h"
teams = [8, 12, 16, 20, 24, 32, 40]  # for the curves
seeds = 4  # chance decides who asks when
changes = {  # what somebody could do about it
    "as it is": {},
    "prompts of 2,400 tokens at most": {"workload.0.prompt": {"lognormal": {"median": 800, "p99": 8000}, "max": 2400}},
    "8,192 tokens a step": {"deployments.assistant.limits": {"max_num_batched_tokens": 8192}},  # 2,048 as it is
    "512 tokens a step": {"deployments.assistant.limits": {"max_num_batched_tokens": 512}},
    "gpt-oss-20b": {"deployments.assistant.model": "gpt-oss-20b"},
    "a second Spark": {"systems.second": {"sheet": "dgx-spark"}, "deployments.assistant.runs_on": ["desk", "second"], "deployments.assistant.replicas": 2},
}

# %%
import pandas as pd
import tokwatt as tw

pd.set_option("display.max_colwidth", None)
base = tw.load(scenario, set={"duration": duration, "timeline": []})
base

# %% [markdown]
# ## The answer, with its interval
#
# `capacity` doubles the team until an objective breaks, then closes in on the last size that keeps both. The interval repeats the
# search with sixteen draws from what is not known about vLLM and this box.

# %%
answer = tw.capacity(base, slo=[first_token, per_token], interval=True)
answer

# %%
answer.plot()

# %% [markdown]
# Filled points keep both objectives, hollow ones do not; the dotted lines are the objectives, the shade is the interval. The wait for the
# first token hardly grows, the pace of the text falls steadily: more people share each step, and each has his own KV cache to be read.
#
# ## What breaks first
#
# Each objective alone, with the size at which it gives way:

# %%
alone = {slo: tw.capacity(base, slo=slo) for slo in (first_token, per_token)}
pd.DataFrame({slo: {"people": int(found.within), "breaks at": int(found.beyond), "limited there by": found.limit} for slo, found in alone.items()}).T

# %% [markdown]
# So the pace breaks long before the wait does. Where does the time of one request go, for the team that just fits and for twice as many?

# %%
within = int(answer.within)
runs = {users: base.run(set={"workload.0.users": users}) for users in (within, 2 * within)}
parts = {f"{users} people": tw.explain(run).xs("request", level="of").droplevel("deployment") for users, run in runs.items()}
table = pd.DataFrame({f"{name} [s]": part["amount"] for name, part in parts.items()} | {f"{name} [%]": 100 * part["share"] for name, part in parts.items()})
table.assign(what=next(iter(parts.values()))["what"]).round(2)

# %%
saves = tw.explain(runs[within]).xs("saves", level="of").droplevel("deployment")
saves.assign(**{"at most [%]": 100 * saves["share"]})[["at most [%]", "what"]].round(1)

# %% [markdown]
# That is the most that each remedy could save of a request's time (Amdahl's law). Memory is what the text waits for; no setting of the
# engine makes it faster.
#
# ## What would help
#
# A study simulates each team with each change, over the same seeds. Means over the seeds, hollow where the mean is beyond an objective.

# %%
study = {
    "title": "What would help",
    "base": scenario,
    "set": {"duration": duration, "timeline": [], "record.requests": False},
    "axes": {
        "change": {"variants": {name: {"set": of} if of else {} for name, of in changes.items()}},
        "people": {"key": "workload.0.users", "values": teams},
        "seed": {"key": "seed", "from": 1, "to": seeds, "step": 1},
    },
    "metrics": ["ttft_s.p95", "tpot_s.p95", "j_per_tok_output"],
}
points = tw.study(study)
means = points[["ttft_s.p95", "tpot_s.p95", "j_per_tok_output"]].mean("seed", keep_attrs=True)
means["status"] = points["status"].max("seed", keep_attrs=True)
means["feasible"] = (means["ttft_s.p95"] < 2) & (means["tpot_s.p95"] < 0.1)
means.attrs["title"] = study["title"]
means.tokwatt.plot("ttft_s.p95", "tpot_s.p95", "j_per_tok_output")

# %%
capacities = {name: tw.capacity(base, slo=[first_token, per_token], set=of) for name, of in changes.items()}
helps = pd.DataFrame({name: {"people": int(found.within or 0), "then breaks": found.tried.loc[found.beyond, "broken"]} for name, found in capacities.items()}).T
helps

# %% [markdown]
# ## In words

# %%
low, high = answer.interval90
print(f"{within} people ({low:g} to {high:g} with what is not known about engine and box); at {answer.beyond:g} it is {answer.tried.loc[answer.beyond, 'broken']} that breaks.")
print(f"With the first token alone in mind it would be {alone[first_token].within:g}.")
for name, found in capacities.items():
    if name != "as it is":
        carries = f"{found.within:g} people ({found.within / within:.1f} times as many)" if found.within else "not even one person"
        print(f"{name}: {carries}; what breaks is {found.tried.loc[found.beyond, 'broken']}.")

# %% [markdown]
# What this leaves out: quality. A smaller model carries more people and may be the wrong one; tokwatt knows nothing about that. And the
# interval holds what is not known of engine and box, not what people do: a team with other prompts and other breaks is another scenario.

# %%
# What must hold whatever the numbers are.
assert low <= within <= high
assert answer.beyond == within + 1
assert min(found.within for found in alone.values()) >= within, "one objective is no harder than two"
assert capacities["a second Spark"].within > 1.5 * within, "two copies carry more than one"
assert (means["tpot_s.p95"].sel(change="as it is").diff("people") > 0).all(), "with more people each waits longer for a token"
