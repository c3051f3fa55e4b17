"""The page's picture as SVG: predicted over measured, before and after calibration, with 90 % intervals."""

from __future__ import annotations

import math

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 50, 50
COLOURS = {"prefill": "#b5540a", "decode": "#0b5fa5", "batch": "#2b7a2b"}
NAMES = {"prefill": "prompt processing", "decode": "generation", "batch": "batched generation"}
BEFORE = "#999999"


class Axis:
    """A logarithmic axis."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value: float) -> float:
        value = min(max(value, self.low), self.high)
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, steps: tuple[float, ...]) -> list[float]:
        found = [s * 10.0**e for e in range(-2, 5) for s in steps]
        return [t for t in found if self.low <= t <= self.high * 1.0001]


def line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def text(x: float, y: float, words: str, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{words}</text>'


def dot(x: float, y: float, colour: str, filled: bool) -> str:
    fill = colour if filled else "white"
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{fill}" stroke="{colour}" stroke-width="1.3"/>'


def axes(x: Axis, y: Axis) -> list[str]:
    out = []
    for tick in x.ticks((1, 2, 5)):
        out += [line(x(tick), y.start, x(tick), y.start + 5, "black"), text(x(tick), y.start + 19, f"{tick:g}")]
    for tick in y.ticks((1, 1.5, 2, 3, 5, 7)):
        out += [line(x.start, y(tick), x.end, y(tick), "black" if tick == 1 else "#dddddd")]
        out += [text(x.start - 8, y(tick) + 4, f"{tick:g}", "end")]
    out.append(line(x.start, y.start, x.end, y.start, "black"))
    out.append(text((x.start + x.end) / 2, HEIGHT - 8, "measured, tokens per second"))
    middle = (y.start + y.end) / 2
    out.append(text(16, middle, "predicted / measured", more=f' transform="rotate(-90 16 {middle:.1f})"'))
    return out


def legend() -> list[str]:
    out, at = [], LEFT + 6
    for kind, colour in COLOURS.items():
        out += [dot(at, 20, colour, True), text(at + 10, 24, NAMES[kind], "start")]
        at += 40 + 7 * len(NAMES[kind])
    out += [dot(at, 20, BEFORE, False), text(at + 10, 24, "before calibration", "start")]
    return out


def draw(measured: list, before: dict, after: dict) -> str:
    rates = [m.rate for m in measured]
    ratios = [p[m.test].rate / m.rate for m in measured for p in (before, after)]
    ratios += [after[m.test].low / m.rate for m in measured] + [after[m.test].high / m.rate for m in measured]
    x = Axis(min(rates) / 1.3, max(rates) * 1.3, LEFT, WIDTH - RIGHT)
    y = Axis(min(0.45, min(ratios) / 1.1), max(2.2, max(ratios) * 1.1), HEIGHT - BOTTOM, TOP)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        'font-family="sans-serif" font-size="13">',
        "<title>Predicted over measured rates of models that calibration had not seen</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        *axes(x, y),
        *legend(),
    ]
    for m in measured:
        out.append(dot(x(m.rate), y(before[m.test].rate / m.rate), BEFORE, False))
    for m in measured:
        a, colour = after[m.test], COLOURS[m.test.kind]
        out.append(line(x(m.rate), y(a.low / m.rate), x(m.rate), y(a.high / m.rate), colour, 1.3))
        out.append(dot(x(m.rate), y(a.rate / m.rate), colour, True))
    return "\n".join([*out, "</svg>"]) + "\n"
