"""Numbers as people read them: three digits, and the unit that suits."""

from __future__ import annotations

import math
from collections.abc import Sequence

SPACE = "\N{NO-BREAK SPACE}"
UNKNOWN = "unknown"


def three(value: float | None) -> str:
    """Three significant digits, thousands grouped."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if value == 0:
        return "0"
    decimals = 2 - math.floor(math.log10(abs(value)))
    rounded = round(value, decimals)
    decimals = 2 - math.floor(math.log10(abs(rounded)))  # 9.996 becomes 10.0
    if decimals > 6:
        return f"{rounded:.2e}"
    return f"{rounded:,.{max(decimals, 0)}f}" if abs(rounded) < 1000 else f"{value:,.0f}"


def grouped(count: float | None) -> str:
    return UNKNOWN if count is None else f"{count:,.0f}"


def _scaled(value: float | None, scales: Sequence[tuple[float, str]]) -> str:
    if value is None or not math.isfinite(value):
        return UNKNOWN
    size, unit = next(((s, u) for s, u in reversed(scales) if abs(value) >= s * 0.9995), scales[0])
    return f"{three(value / size)}{SPACE}{unit}"


def duration(seconds: float | None) -> str:
    """A latency: 382 ms, 1.21 s, 2.17 min."""
    if seconds == 0:
        return f"0{SPACE}s"
    if seconds is not None and 120 <= seconds < 7200:
        return f"{three(seconds / 60)}{SPACE}min"
    return _scaled(seconds, [(1e-6, "µs"), (1e-3, "ms"), (1, "s"), (3600, "h")])


def span(seconds: float | None) -> str:
    """A stretch of time in whole units: 8 h, 13 min 52 s."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 60:
        return duration(seconds)
    whole = round(seconds)
    parts = [(whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    shown = [f"{count}{SPACE}{unit}" for count, unit in parts if count]
    return " ".join(shown[:2])


def percent(fraction: float | None) -> str:
    if fraction is None or not math.isfinite(fraction):
        return UNKNOWN
    of = 100 * fraction
    text = f"{of:.0f}" if of >= 1 or of == 0 else f"{of:.1f}" if of >= 0.1 else "below 0.1"
    return f"{text}{SPACE}%"


def watts(value: float | None) -> str:
    return _scaled(value, [(1, "W"), (1e3, "kW")])


def energy(joules: float | None) -> str:
    return _scaled(joules, [(1, "J"), (3.6e3, "Wh"), (3.6e6, "kWh"), (3.6e9, "MWh")])


def usd(value: float | None) -> str:
    return UNKNOWN if value is None or not math.isfinite(value) else f"{three(value)}{SPACE}USD"


def celsius(value: float | None) -> str:
    return UNKNOWN if value is None or not math.isfinite(value) else f"{value:.1f}{SPACE}°C"


def clock(hertz: float | None) -> str:
    return UNKNOWN if hertz is None or not math.isfinite(hertz) else f"{hertz / 1e6:,.0f}{SPACE}MHz"


def listed(words: Sequence[str], last: str = "and") -> str:
    """a, b and c"""
    words = list(words)
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
