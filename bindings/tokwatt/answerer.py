"""Answers in a process of its own: `python -I answerer.py`, with the folders of the package and a task on standard input (see ask.py).

It takes the core without the rest of the package, so that it starts quickly.
"""

import os
import pickle
import sys
import threading
import types
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any


def question(asked: dict[str, Any], method: str, arguments: dict[str, Any]) -> Iterator[str]:
    """One answer to a question about a scenario."""
    from tokwatt import _core

    of = _core.Question.of_text if "text" in asked else _core.Question.of_file
    yield getattr(of(**asked), method)(**arguments)


def study(source: Any, fingerprint: str, points: list[int], threads: int) -> Iterator[list[str]]:
    """The answers at points of a study, in the order in which they come."""
    from tokwatt.study_tasks import read_again

    held = read_again(source, fingerprint)
    pool = ThreadPoolExecutor(threads)  # simulating does not hold the GIL
    for task in as_completed([pool.submit(held.lines_at, [point]) for point in points]):
        yield task.result()


TASKS = {"question": question, "study": study}


def main() -> None:
    try:
        package = types.ModuleType("tokwatt")
        package.__path__ = pickle.load(sys.stdin.buffer)
        sys.modules["tokwatt"] = package
        task, arguments = pickle.load(sys.stdin.buffer)
    except EOFError:  # whoever asks was interrupted before it could
        return
    threading.Thread(target=end_with_the_asker, daemon=True).start()
    try:
        for answer in TASKS[task](*arguments):
            say("answer", answer)
        say("end", None)
    except Exception as error:
        say("error", error)
    os._exit(0)  # without waiting for threads, of which one reads for ever


def say(kind: str, value: Any) -> None:
    sys.stdout.buffer.write(pickle.dumps((kind, value)))
    sys.stdout.buffer.flush()


def end_with_the_asker() -> None:
    """Whoever asks keeps standard input open as long as there is somebody who waits."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    main()
