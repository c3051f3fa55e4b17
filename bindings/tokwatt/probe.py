"""Reading in a process of its own first: on some damaged files the HDF5 library itself hangs or crashes."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from .saved import wrong_file

_SECONDS = 5.0
_START = 10.0  # another Python needs a quarter of a second where nothing else runs
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
    if not _ends_well(child, time.monotonic() + _seconds_for(path)):
        raise _unreadable(path)


def check_in_a_process(path: str) -> None:
    """The same for programs that may have threads: another Python reads every piece of the file."""
    reader = pathlib.Path(__file__).with_name("read_every.py")
    command = [sys.executable, "-I", str(reader), os.path.abspath(path), *filter(None, sys.path)]
    try:
        status = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=_START + _seconds_for(path), check=False, capture_output=True).returncode
    except subprocess.TimeoutExpired:
        raise _unreadable(path) from None
    if status < 0:  # a signal: it crashed
        raise _unreadable(path)
    if status > 0:
        raise RuntimeError(f"{path} could not be tried in another process ({sys.executable} ended with {status}); probe=False reads it without")


def _unreadable(path: str) -> Exception:
    return wrong_file(path, "is damaged (the HDF5 library cannot read it); expected results of tokwatt run -o")


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


def _seconds_for(path: str) -> float:
    size = os.path.getsize(path) if os.path.exists(path) else 0
    return _SECONDS + size / _BYTES_PER_SECOND
