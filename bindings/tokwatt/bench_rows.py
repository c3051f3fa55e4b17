"""What readers of benchmark results fill: rates with their tests, and mistakes with their places."""

from __future__ import annotations

import dataclasses
import json
import math

from .errors import InputError, Problem

LARGEST = 2**31  # no length, number of requests, rate or time is beyond it
SMALLEST = 1e-9  # of what has to be more than 0
EXPECTED = (
    "expected results of llama-bench (-o json, jsonl, csv or md), llama-batched-bench (md or jsonl), "
    "vllm bench serve --save-result, guidellm (json), or a measurements.csv"
)


@dataclasses.dataclass
class Reading:
    """One measured rate [tokens/s, summed over the batch], and what its file says of where it was measured."""

    file: str
    line: int
    tool: str
    test: dict
    rate: float
    model: str = ""
    model_file: str = ""
    quant: str = ""
    parameters: float = 0
    engine: str = ""
    system: str = ""
    build: str = ""
    gpu_layers: int = -1  # -1: all
    gpu: str = ""


@dataclasses.dataclass
class Read:
    """What some files hold."""

    readings: list[Reading] = dataclasses.field(default_factory=list)
    unused: list[tuple[str, int, str]] = dataclasses.field(default_factory=list)
    mistakes: list[Problem] = dataclasses.field(default_factory=list)

    def raise_mistakes(self) -> None:
        if self.mistakes:
            raise InputError("".join(render(p) for p in self.mistakes), self.mistakes)


def render(problem: Problem) -> str:
    """A mistake as the program shows it."""
    place = problem.file + "".join(f":{n}" for n in (problem.line, problem.column) if n)
    return f"{place}: error: {problem.message}\n"


class Source:
    """One file while it is read: reports what is wrong at its place."""

    def __init__(self, name: str, text: str, into: Read) -> None:
        self.name, self.text, self.into = name, text, into

    def mistake(self, line: int, message: str, column: int = 0) -> None:
        self.into.mistakes.append(Problem(self.name, line, column, message))

    def unused(self, line: int, why: str) -> None:
        self.into.unused.append((self.name, line, why))

    def take(self, line: int, tool: str, test: dict, rate: float, **more: object) -> None:
        self.into.readings.append(Reading(self.name, line, tool, test, rate, **more))


def shown(value: object) -> str:
    """A value in a message: short, whatever a file holds."""
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


@dataclasses.dataclass
class Row:
    """A row of named values, with the lines that they stand in."""

    source: Source
    line: int
    values: dict
    lines: dict[str, int] = dataclasses.field(default_factory=dict)

    def line_of(self, key: str) -> int:
        return self.lines.get(key, self.line)

    def number(
        self, key: str, *, otherwise: float | None = None, above_zero: bool = False, most: float = LARGEST
    ) -> float | None:
        """The number of a key; None and a report where it is none. A missing one is `otherwise`, if that is given."""
        low = SMALLEST if above_zero else 0
        span = f"{low:g} to {most:.10g}"
        wanted = f"a number of more than 0 ({span})" if above_zero else f"a number from {span}"
        return self._within(key, low, most, wanted, otherwise)

    def count(self, key: str, otherwise: int | None = None, least: int = 0) -> int | None:
        """As `number`, of what is counted."""
        number = self._within(key, least, LARGEST, f"a count from {least} to {LARGEST}", otherwise, whole=True)
        return None if number is None else int(number)

    def _within(
        self, key: str, low: float, high: float, wanted: str, otherwise: float | None, *, whole: bool = False
    ) -> float | None:
        value = self.values.get(key)
        if value is None or value == "":
            if otherwise is not None:
                return otherwise
            self.source.mistake(self.line_of(key), f"{key} is missing; expected {wanted}")
            return None
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if isinstance(value, bool) or not low <= number <= high or (whole and number != int(number)):
            self.source.mistake(self.line_of(key), f"{key} is {shown(value)}; expected {wanted}")
            return None
        return number

    def text(self, key: str) -> str:
        """What is written for a key, in characters that a terminal and a sheet can show."""
        text = str(self.values.get(key) or "")
        return text if text.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in text)
