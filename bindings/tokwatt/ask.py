"""Questions to the core, answered in a process of their own: a simulation in C++ does not hear Ctrl-C, a process can be ended."""

from __future__ import annotations

import os
import pathlib
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from . import _core, values
from .scenario import Scenario

AnyScenario = str | os.PathLike[str] | Mapping[str, Any] | Scenario
_HERE = pathlib.Path(__file__).parent


def ask(scenario: AnyScenario, set: Mapping[str, Any] | None, question: str, /, **arguments: Any) -> str:
    """What a method of :class:`_core.Question` says, as JSON; an interrupt ends it at once."""
    changes = values.mapping(set)
    if isinstance(scenario, Scenario):
        changes = {**scenario._set, **changes}
        scenario = scenario._source
    asked: dict[str, Any] = {"sets": values.sets(changes)}
    if isinstance(scenario, Mapping):
        asked |= {"name": "scenario", "text": values.document(scenario), "folder": os.getcwd()}
    else:
        asked |= {"path": os.fspath(scenario)}
    [answer] = answers("question", asked, question, arguments)
    return answer


def answers(task: str, *arguments: Any) -> Iterator[Any]:
    """What another Python computes, as it comes (see answerer.py). Whatever ends the waiting ends that process too.

    Parameters
    ----------
    task : str
        One of ``answerer.TASKS``.
    *arguments
        Of that task; they are pickled.

    Raises
    ------
    RuntimeError
        The process ended without an answer.
    """
    command = [sys.executable, "-I", str(_HERE / "answerer.py")]
    packages = [str(_HERE), str(pathlib.Path(_core.__file__).parent)]
    # In a session of its own Ctrl-C reaches this process alone, which decides what becomes of the other.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(pickle.dumps(packages) + pickle.dumps((task, arguments)))
            process.stdin.flush()
            while True:
                kind, value = pickle.load(process.stdout)
                if kind == "end":
                    return
                if kind == "error":
                    raise value
                yield value
        except (EOFError, BrokenPipeError):
            raise RuntimeError(f"the process that was to answer ended with {process.wait()} ({' '.join(command)})") from None
        finally:
            process.kill()
