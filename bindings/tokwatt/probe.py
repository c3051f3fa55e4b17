"""Reading in a process of its own first: on some damaged files the HDF5 library itself hangs or crashes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from .saved import wrong_file

_SECONDS = 5.0
_BYTES_PER_SECOND = 10e6  # a disk that is slow beyond doubt


def check_readable(path: str, read: Callable[[str], object]) -> None:
    """Raises InputError where `read` neither returns nor raises. For commands: a program with threads should not fork."""
    child = os.fork()
    if child == 0:
        try:
            read(path)
        except Exception:  # the parent reads it again, and says it
            pass
        finally:
            os._exit(0)
    if not _ends_well(child, time.monotonic() + _SECONDS + _size(path) / _BYTES_PER_SECOND):
        raise wrong_file(path, "is damaged (the HDF5 library cannot read it); expected results of tokwatt run -o")


def _ends_well(child: int, deadline: float) -> bool:
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.WIFEXITED(status)
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return False
        time.sleep(0.005)


def _size(path: str) -> int:
    return os.path.getsize(path) if os.path.exists(path) else 0
