"""Where the package's commands write, and how they end."""

from __future__ import annotations

import os
import pathlib
import sys
import tempfile

from .errors import Infeasible, InputError

# What a command is expected to fail with.
FAILURES = (InputError, Infeasible, ValueError, OSError)


def told(error: Exception, output: str) -> int:
    """Says on standard error what went wrong, where `output` was to be written; returns the exit code."""
    if isinstance(error, InputError):
        sys.stderr.write(str(error))
        return 3
    if isinstance(error, Infeasible):
        sys.stderr.write(f"cannot be done: {error}\n")
        return 4
    if isinstance(error, OSError):
        sys.stderr.write(f"error: cannot write {output}: {error.strerror}\n")
        return 3
    sys.stderr.write(f"error: {error}\n")
    return 2


def check_output(path: str, source: str) -> None:
    """Raises ValueError where a file must not be written: a folder, or what it is made from. "-" is standard output."""
    if path == "-":
        return
    if not path or path.endswith("/") or os.path.isdir(path):
        raise ValueError(f"cannot write {path}: it is a folder; expected a file")
    if os.path.exists(path) and os.path.exists(source) and os.path.samefile(path, source):
        raise ValueError(f"cannot write {path}: it is what is read; expected another name")


def write(path: str, text: str) -> None:
    """Writes a file whole, or not at all."""
    folder = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".tokwatt-")
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        pathlib.Path(temporary).unlink(missing_ok=True)
        raise
