"""What a worker does for a study; it needs the core and nothing else of the package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from . import _core


@dataclass(frozen=True)
class Source:
    """A study as it was given: what a worker reads again where it is."""

    name: str
    text: str
    folder: str  # that relative paths in it start at
    sets: tuple[str, ...]


def answers_at(source: Source, fingerprint: str, points: Sequence[int]) -> list[str]:
    """One task: the answers at some points of a study, a line of JSON each."""
    return read_again(source, fingerprint).lines_at(points)


@lru_cache(maxsize=4)
def read_again(source: Source, fingerprint: str) -> _core.Study:
    """The study where this worker is; RuntimeError where it is not the same."""
    held = _core.Study.of_text(source.name, source.text, folder=source.folder, sets=list(source.sets))
    if held.fingerprint != fingerprint:
        raise RuntimeError(f"{source.name}: this worker reads another scenario, sheet or trace than the study began with, or has another version of tokwatt")
    return held
