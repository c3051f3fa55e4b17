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
# # A hot room
#
# Twelve people share one DGX Spark that serves gpt-oss-120b. The box stands in an office without air conditioning.
# **What happens to them when the room gets to 35 °C?**
#
# The scenario is `scenarios/twelve-people-on-a-spark.yaml`: each of the twelve thinks for 30 s on average, sends a prompt,
# waits for the whole answer, and thinks again. From run to run only the temperature of the room changes, and the seed: chance
# decides who asks what and when, so every room is simulated several times, and a difference counts only where it is larger than
# what chance explains.

# %% tags=["parameters"]
scenario = "../scenarios/twelve-people-on-a-spark.yaml"
cool = 22  # degC
hot = 35  # degC
rooms = [22, 26, 30, 35, 40, 45, 50]  # degC, must contain both
duration = "2 h"
seeds = 8

# %%
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import tokwatt as tw
from tokwatt import plots


def simulate(room, seed):
    changes = {"environment.ambient": f"{room} degC", "duration": duration, "timeline": [], "seed": seed}
    return tw.run(scenario, set=changes)


with ThreadPoolExecutor() as pool:  # simulating does not hold the GIL
    points = [(room, seed) for room in rooms for seed in range(1, seeds + 1)]
    runs = dict(zip(points, pool.map(lambda point: simulate(*point), points)))
runs[hot, 1]

# %% [markdown]
# ## In numbers
#
# Means over the runs of each room. The box warms up for about a quarter of an hour; that is part of them.

# %%
FIGURES = {
    "answers": lambda s: s["requests"]["completed"],
    "first token, median [s]": lambda s: s["ttft_s"]["p50"],
    "first token, 95 % [s]": lambda s: s["ttft_s"]["p95"],
    "per token, median [ms]": lambda s: 1e3 * s["tpot_s"]["p50"],
    "output [tokens/s]": lambda s: s["throughput_tok_s"]["output"],
    "hottest die [°C]": lambda s: s["temperature_c"]["max"],
    "mean clock [GHz]": lambda s: 1e-9 * s["clock_hz"]["mean"],
    "throttled [% of time]": lambda s: 100 * s["throttled_s"] / s["duration_s"],
    "wall power, mean [W]": lambda s: s["power_w"]["wall"]["mean"],
}
every = pd.DataFrame(
    [{"room [°C]": room, "seed": seed, **{name: of(run.summary) for name, of in FIGURES.items()}} for (room, seed), run in runs.items()]
).set_index(["room [°C]", "seed"])
table = every.groupby("room [°C]").mean()
table.round(2)

# %% [markdown]
# ## Over time
#
# The cool room, the hot one, and the coolest of the rooms tried in which heat holds the clock down for more than 1 % of the time, if there is one:
# the ground is shaded while it does.

# %%
throttled = table["throttled [% of time]"]
edge = next((room for room in table.index if throttled[room] > 1), None)
shown = {f"room at {room} °C": runs[room, 1] for room in sorted({cool, hot, edge or hot})}
figure = plots.compare(shown, shade=f"room at {edge or hot} °C")
figure.update_layout(title="Twelve people on one Spark" + (f"; shaded: throttled at {edge} °C" if edge else ""))
figure

# %% [markdown]
# ## The answer


# %%
def change(name, room):
    """Relative change against the cool room, or 0 where chance explains it: paired by seed, twice the standard error."""
    difference = every.loc[room, name] - every.loc[cool, name]
    real = abs(difference.mean()) > 2 * difference.std() / np.sqrt(len(difference))
    return difference.mean() / table.loc[cool, name] if real else 0.0


def in_words(what, name, room):
    relative = change(name, room)
    return f"{what}: {'no change that shows' if relative == 0 else f'{relative:+.1%}'}"


def sentence(room):
    return "; ".join(
        [
            in_words("time per token", "per token, median [ms]", room),
            in_words("time to the first token for the unlucky 5 %", "first token, 95 % [s]", room),
            in_words("answers in two hours" if duration == "2 h" else "answers", "answers", room),
        ]
    )


die, clock = table["hottest die [°C]"], table["mean clock [GHz]"]
lines = [
    f"At {hot} °C the die reaches {die[hot]:.0f} °C instead of {die[cool]:.0f} °C, and the clock falls from {clock[cool]:.2f} to {clock[hot]:.2f} GHz.",
    f"What people notice against a room at {cool} °C: {sentence(hot)}.",
]
felt = max(abs(change(name, hot)) for name in ("per token, median [ms]", "answers"))
if throttled[hot] == 0 and felt < 0.02:
    lines.append("So: nothing worth an air conditioner. The box is never throttled, and what little clock it gives up hardly matters to work that waits for memory.")
elif throttled[hot] == 0:
    lines.append("So: the box is never throttled, but it slows down enough to be felt.")
else:
    lines.append(f"So: heat holds the clock down {throttled[hot]:.0f} % of the time" + (", and people feel it." if felt >= 0.02 else ", yet people hardly feel it."))
if edge is None:
    lines.append(f"None of the rooms tried, up to {max(rooms)} °C, throttles it for more than 1 % of the time.")
elif edge != hot:
    lines.append(f"The coolest of the rooms tried that throttles it is at {edge} °C, {throttled[edge]:.0f} % of the time: {sentence(edge)}.")
    hottest = max(rooms)
    if hottest != edge:
        lines.append(f"At {hottest} °C: {sentence(hottest)}.")
assumed = runs[hot, 1].summary["assumed"]
lines.append(f"{len(assumed)} inputs rest on assumption, among them {', '.join(a for a in assumed if 'thermal' in a or 'governor' in a) or assumed[0]}.")
print("\n".join(lines))

# %%
# What must hold whatever the numbers are.
assert die.is_monotonic_increasing or throttled.max() > 0, "without throttling a hotter room means a hotter die"
assert clock.is_monotonic_decreasing, "a hotter room never means a faster clock"
assert all(run.summary["energy_j"]["wall"] > run.summary["energy_j"]["chip"] > 0 for run in runs.values())
assert all(run.summary["requests"]["unfinished"] <= 12 for run in runs.values()), "a person has one question at a time"
