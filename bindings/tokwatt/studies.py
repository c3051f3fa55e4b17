"""Studies: one scenario with many values in it, as an xarray dataset."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from contextlib import closing
from typing import Any

import numpy as np
import xarray as xr

from . import _core, values
from .ask import answers
from .output import check_output
from .study_tasks import Source, answers_at
from .tables import Column

_MOST_TASKS = 256  # enough for 64 workers to end at about the same time


def study(
    study: str | os.PathLike[str] | Mapping[str, Any],
    *,
    set: Mapping[str, Any] | None = None,
    executor: Executor | Any = None,
    chunk: int | None = None,
    threads: int | None = None,
    output: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Simulate a scenario at every point of a study.

    The results do not depend on who computes them: threads, an executor, or ``tokwatt study`` give the same bytes.

    Parameters
    ----------
    study : path or mapping
        A study file (docs/studies.md), or its content as a mapping; relative paths in a mapping start at the current folder.
    set : mapping, optional
        Changes to the scenario at every point, as for :func:`tokwatt.run`.
    executor : concurrent.futures.Executor or distributed.Client, optional
        Anything with ``submit(function, *arguments)`` that returns futures. Its workers have this version of tokwatt installed, and
        read the scenario, its sheets and traces from the same paths. Without it the points run on threads of one process beside this one.
    chunk : int, optional
        Points that one task of the executor computes; without it so many that there are 256 tasks at most.
    threads : int, optional
        Simulations at a time where there is no executor; without it one for each core.
    output : path, optional
        Results file as ``tokwatt study -o`` writes it. While the study runs, answers are kept in a journal beside it: when it is interrupted,
        the same call goes on where it was.
    progress : callable, optional
        Called with the points that are done, and all. What it raises ends the study.

    Returns
    -------
    xarray.Dataset
        Axes as coordinates; a variable for each metric, with ``units``; ``status``, ``reason`` and, with constraints,
        ``feasible``. ``.tokwatt.plot()`` draws it.

    Raises
    ------
    InputError
        The study or its scenario has mistakes; ``errors`` lists them with file, line, column and message.
    Infeasible
        None of the points that were tried runs.
    RuntimeError
        The journal cannot be used, or a worker read other files than this process.
    """
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise TypeError(f"executor is a {type(executor).__name__}, which has no submit; expected a concurrent.futures executor or a dask client")
    for name, value in {"chunk": chunk, "threads": threads}.items():
        if value is not None and not (isinstance(value, int) and value >= 1):
            raise ValueError(f"{name} is {value!r}; expected a whole number, 1 or more")
    if executor is None and chunk is not None:
        raise ValueError("chunk is given without an executor; expected both")
    if executor is not None and threads is not None:
        raise ValueError("threads are given with an executor, which has its own; expected one of them")
    held, source = _held(study, values.sets(values.mapping(set)))
    path = None if output is None else os.fspath(output)
    try:
        if path is not None:
            check_output(path, source.name)
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            held.open_journal(path + ".journal")
        if executor is None:
            _run_here(threads or os.cpu_count() or 1, held, source, progress)
        else:
            _run_on(executor, held, source, chunk, progress)
        if path is not None:
            held.save(path)
    finally:
        held.close_journal()
    return _dataset(held)


def _held(study: str | os.PathLike[str] | Mapping[str, Any], sets: list[str]) -> tuple[_core.Study, Source]:
    if isinstance(study, Mapping):
        source = Source("study", values.document(study), os.getcwd(), tuple(sets))
        return _core.Study.of_text(source.name, source.text, folder=source.folder, sets=sets), source
    path = os.fspath(study)
    held = _core.Study.of_file(path, sets=sets)
    return held, Source(path, held.texts["study"], os.path.dirname(os.path.abspath(path)), tuple(sets))


def _run_here(threads: int, held: _core.Study, source: Source, progress: Callable[[int, int], None] | None) -> None:
    points = held.to_do
    if not points:
        return
    with closing(answers("study", source, held.fingerprint, points, threads)) as lines:
        _take(lines, held, progress)


def _run_on(executor: Any, held: _core.Study, source: Source, chunk: int | None, progress: Callable[[int, int], None] | None) -> None:
    points = held.to_do
    size = chunk or max(1, math.ceil(len(points) / _MOST_TASKS))
    tasks = [executor.submit(answers_at, source, held.fingerprint, points[i : i + size]) for i in range(0, len(points), size)]
    try:
        _take((task.result() for task in tasks), held, progress)
    except BaseException:
        for task in tasks:
            task.cancel()
        raise


def _take(answers: Iterable[list[str]], held: _core.Study, progress: Callable[[int, int], None] | None) -> None:
    done = held.points - len(held.to_do)
    for lines in answers:
        held.add_lines(lines)
        done += len(lines)
        if progress is not None:
            progress(done, held.points)


def _dataset(held: _core.Study) -> xr.Dataset:
    columns, along = held.columns()
    sizes = {c.dims[0]: len(c.values) for c in map(lambda column: Column(*column), columns) if c.dims == (c.name,)}
    data: dict[str, xr.Variable] = {}
    coordinates: dict[str, xr.Variable] = {}
    for column in (Column(*c) for c in columns):
        shape = [sizes[dim] for dim in column.dims]
        into = coordinates if column.name in sizes or column.name in along else data
        into[column.name] = xr.Variable(column.dims, np.asarray(column.values).reshape(shape), column.attributes())
    attributes = {"Conventions": "CF-1.11", "title": held.title, "tokwatt_version": _core.__version__}
    return xr.Dataset(data, coordinates, {name: text for name, text in attributes.items() if text})
