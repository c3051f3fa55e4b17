"""Where the package's commands write."""

from __future__ import annotations

import os


def check_output(path: str, source: str) -> None:
    """Raises ValueError where a file must not be written: a folder, or what it is made from. "-" is standard output."""
    if path == "-":
        return
    if not path or path.endswith("/") or os.path.isdir(path):
        raise ValueError(f"cannot write {path}: it is a folder; expected a file")
    if os.path.exists(path) and os.path.exists(source) and os.path.samefile(path, source):
        raise ValueError(f"cannot write {path}: it is what is read; expected another name")
