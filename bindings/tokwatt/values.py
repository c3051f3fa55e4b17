"""Python values as the text that the program reads."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from typing import Any


def mapping(changes: Mapping[str, Any] | None) -> dict[str, Any]:
    """What was given as ``set=``."""
    if changes is not None and not isinstance(changes, Mapping):
        raise TypeError(f'set is {changes!r}; expected a mapping from keys to values, such as {{"workload.0.users": 4}}')
    return dict(changes or {})


def sets(changes: Mapping[str, Any]) -> list[str]:
    """Changes as the texts of --set options."""
    return [f"{path}={yaml(path, value)}" for path, value in changes.items()]


def segment(name: str) -> str:
    """A name as part of a dotted path."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'


def document(mapping: Mapping[str, Any]) -> str:
    """A whole scenario; JSON, which YAML contains."""
    return json.dumps(mapping, indent=2, ensure_ascii=False, default=_plain, allow_nan=False)


def yaml(path: str, value: Any) -> str:
    """YAML text of a value: a str is that text already, everything else is JSON."""
    if isinstance(value, str):
        return value
    value = _plain(value) if hasattr(value, "tolist") else value
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"set: {path} is {value}; expected a finite number")
    return json.dumps(value, ensure_ascii=False, default=_plain, allow_nan=False)


def _plain(value: Any) -> Any:
    """NumPy scalars and arrays as plain numbers and lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"a {type(value).__name__} has no meaning in a scenario")
