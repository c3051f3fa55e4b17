"""What can be wrong with an input."""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """One mistake in an input, at its place."""

    file: str
    """Name of the file, the sheet or the option, as messages show it."""
    line: int
    """Counted from 1; 0 where the mistake is of the whole file."""
    column: int
    """Counted from 1; 0 where the mistake is of the whole file."""
    message: str
    """What is wrong, and what was expected."""


class InputError(ValueError):
    """An input with mistakes; all of them, each at its place.

    Attributes
    ----------
    errors : list of Problem
        Each has ``file``, ``line``, ``column`` and ``message``.
    """

    def __init__(self, text: str, errors: list[Problem]) -> None:
        super().__init__(text, errors)
        self.errors = [Problem(*error) for error in errors]

    def __str__(self) -> str:
        return str(self.args[0])


class Infeasible(RuntimeError):
    """A correct input that cannot be done: it does not fit, or the engine cannot run it on that box. The text has the arithmetic."""


class NoPlan(KeyError, AttributeError):
    """The results of a scenario without ``plan``."""
