"""Results files (HDF5) as :func:`tokwatt.open_results` reads them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from typing import Any

import h5py
import numpy as np

from . import written
from .errors import InputError, Problem
from .results import Results

# What a run's summary must have, by dotted path; a number or null each.
_NUMBERS = (
    ["duration_s", "request_rate_per_s", "goodput_per_s", "throttled_s", "usd_per_mtok_output", "j_per_tok_output"]
    + [f"requests.{key}" for key in ("submitted", "completed", "rejected", "cancelled", "timed_out", "failed", "unfinished")]
    + [f"tokens.{key}" for key in ("prompt", "output", "cached")]
    + [f"throughput_tok_s.{key}" for key in ("output", "total")]
    + [f"{key}_s.{of}" for key in ("ttft", "ttfa", "tpot", "itl", "e2e", "queue") for of in ("mean", "p50", "p90", "p95", "p99", "max")]
    + [f"energy_j.{key}" for key in ("wall", "chip", "compute", "memory", "static", "rest")]
    + [f"power_w.{key}.{of}" for key in ("wall", "chip") for of in ("mean", "max")]
    + [f"temperature_c.{of}" for of in ("mean", "max", "final")]
    + [f"clock_hz.{of}" for of in ("mean", "min")]
    + [f"cost_usd.{key}" for key in ("electricity", "hardware", "total")]
    + [f"limited_by.{key}" for key in ("bandwidth", "compute", "dispatch", "link", "heat", "power", "queue", "idle")]
    + ["batch.mean", "batch.max", "kv.peak_fraction", "kv.preemptions", "kv.prefix_hit_fraction"]
)
_OF_A_STREAM = [path for path in _NUMBERS if path.startswith(("duration_s", "goodput", "requests.", "tokens.", "throughput", "ttft", "tpot", "itl", "e2e", "queue_s"))]
# The dimensions of each group's columns, and the columns that no reader can do without.
_GROUPS = {
    "plan": (("month", "against"), {"month": ("month",), "cumulated": ("month",)}),
    "series": (
        ("time", "deployment", "device"),
        {
            "time": ("time",),
            "deployment": ("deployment",),
            "device": ("device",),
            **dict.fromkeys(("throughput", "batch", "queue", "kv_used", "limited_by"), ("time", "deployment")),
            **dict.fromkeys(("clock", "temperature", "power", "throttled", "energy"), ("time", "device")),
        },
    ),
    "requests": (
        ("request",),
        dict.fromkeys(("stream", "replica", "arrival", "first_token", "finish", "prompt", "output", "preemptions", "outcome"), ("request",)),
    ),
    "segments": (
        ("segment",),
        dict.fromkeys(("replica", "start", "steps", "duration", "growth", "decoding", "chunk_tokens", "clock"), ("segment",)),
    ),
    "events": (("event",), dict.fromkeys(("time", "kind", "subject", "text"), ("event",))),
}
_MOST_TEXTS = 10_000
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def wrong_file(path: str, message: str) -> InputError:
    """What is wrong with a file as a whole."""
    return InputError(f"{path}:1:1: error: {message}\n", [Problem(path, 1, 1, message)])


# What h5py and the checks here raise on a file that is not as it was written.
DAMAGE = (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError, MemoryError, RecursionError, StopIteration)


def damaged(path: str, error: BaseException, writer: str) -> InputError:
    """That a file cannot be read, and what of it."""
    reason = str(error.args[0]) if error.args else type(error).__name__
    return wrong_file(path, f"is damaged ({reason}); expected results of {writer}")


def open_results(path: str | os.PathLike[str], *, probe: bool | None = None) -> Results:
    """Read a run's results file.

    Parameters
    ----------
    path : path
        What ``tokwatt run -o`` or :meth:`Results.save` wrote.
    probe : bool, optional
        Whether another process reads the file first: the HDF5 library hangs or crashes on some damaged files. That takes a quarter of
        a second. Without it, files that this process did not write are probed.

    Returns
    -------
    Results
        As :func:`tokwatt.run` returned them; read into memory.

    Raises
    ------
    InputError
        There is no such file, it is not a run's results, or it is damaged.
    """
    from .probe import check_in_a_process

    name = os.fspath(path)
    check_signature(name)
    if probe if probe is not None else not written.is_ours(name):
        check_in_a_process(name)
    return Results(SavedRun(name))


class SavedRun:
    """A run as its file has it, with the names of ``_core.Run``. All of it is read at once, so that what is damaged shows here."""

    def __init__(self, path: str) -> None:
        self.path = path
        check_signature(path)
        try:
            with h5py.File(path, "r") as file:
                self._size = os.path.getsize(path)
                self._read(file)
        except InputError:
            raise
        except DAMAGE as error:
            raise damaged(path, error, "tokwatt run -o") from error

    def _read(self, file: h5py.File) -> None:
        _check_kind(self.path, file)
        self.version = text_of(file.attrs["tokwatt_version"])
        self.title = text_of(file.attrs.get("title", ""))
        self.seed = int(file["seed"][()])
        self.summary_json = text_of(file["summary_json"][()])
        _check_summary(json.loads(self.summary_json))
        self.texts: dict[str, str] = {}
        self.hashes: dict[str, str] = {}
        read_texts(file["texts"], "", self.texts, self.hashes)
        self._columns = {name: self._group(file[name], name) for name in _GROUPS if name in file}
        for name in ("series", "events"):
            if name not in self._columns:
                raise KeyError(f"no group {name}")
        self._check_streams()

    def _check_streams(self) -> None:
        streams = len(json.loads(self.summary_json)["workload"])
        for column in self._columns.get("requests", []):
            if column[0] == "stream" and len(column[4]) and not (0 <= column[4].min() and column[4].max() < streams):
                raise ValueError("a request is of a stream that the summary does not have")

    @property
    def groups(self) -> list[str]:
        return list(self._columns)

    def columns(self, group: str) -> list[tuple]:
        return self._columns[group]

    def save(self, path: str) -> None:
        try:
            shutil.copyfile(self.path, path)
        except OSError as error:
            raise RuntimeError(f"cannot write {path}: {error.strerror}") from error

    def _group(self, group: h5py.Group, name: str) -> list[tuple]:
        dims, needed = _GROUPS[name]
        scales = {dim: group[dim] for dim in dims if dim in group}
        columns = []
        for key, dataset in group.items():
            of = dims_of(dataset, key, scales, needed.get(key))
            if of is None:
                continue  # the scale of a dimension without coordinate
            columns.append(self._column(key, dataset, of))
        missing = sorted(set(needed) - {column[0] for column in columns})
        if missing:
            raise KeyError(f"{name} has no {', '.join(missing)}")
        return columns

    def _column(self, key: str, dataset: h5py.Dataset, dims: tuple[str, ...]) -> tuple:
        attributes = dataset.attrs
        meanings = text_of(attributes.get("flag_meanings", "")).split()
        values = values_of(dataset, self._size)
        if meanings and values.size and not (0 <= values.min() and values.max() < len(meanings)):
            raise ValueError(f"{dataset.name} has a flag without meaning")
        return (
            key,
            text_of(attributes.get("units", "")),
            text_of(attributes.get("long_name", "")),
            dims,
            values,
            meanings,
        )


def check_signature(path: str) -> None:
    try:
        with open(path, "rb") as file:
            start = file.read(len(HDF5_SIGNATURE))
    except OSError as error:
        raise wrong_file(path, f"cannot be read: {error.strerror}; expected results of tokwatt run -o") from error
    if start != HDF5_SIGNATURE:
        raise wrong_file(path, "is no HDF5 file; expected results of tokwatt run -o")


def check_program(path: str, file: h5py.File) -> None:
    """Refuses what another program wrote."""
    if "tokwatt_version" not in file.attrs:
        raise wrong_file(path, "is HDF5 of another program (it has no attribute tokwatt_version); expected results of tokwatt run -o")


def _check_kind(path: str, file: h5py.File) -> None:
    check_program(path, file)
    if "summary_json" not in file:
        what = "holds a study, not a run" if "texts/study" in file else "holds no run (it has no summary_json)"
        raise wrong_file(path, f"{what}; expected results of tokwatt run -o")


def _check_summary(summary: Any) -> None:
    _check_numbers(summary, _NUMBERS)
    for part in summary["deployments"].values():
        _check_numbers(part, _NUMBERS)
    for part in summary["workload"].values():
        _check_numbers(part, _OF_A_STREAM)
    if not all(isinstance(name, str) for name in summary.get("assumed", [])):
        raise TypeError("assumed of the summary is no list of names")


def _check_numbers(part: Any, paths: list[str]) -> None:
    for path in paths:
        value = part
        for key in path.split("."):
            value = value[key]
        if value is not None and not _is_number(value):
            raise ValueError(f"{path} of the summary is no number")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def dims_of(dataset: Any, key: str, scales: dict[str, Any], needed: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The dimensions of a variable, by the scales that are attached to its axes; None for a dimension without values."""
    if not isinstance(dataset, h5py.Dataset):
        raise TypeError(f"{key} is no variable")
    if key in scales:
        named = not text_of(dataset.attrs.get("NAME", "")).startswith("This is a netCDF dimension but not")
        return (key,) if named else None
    # By identity: HDF5 does not always know the name of an object that it reached by reference.
    of = needed or tuple(next(dim for dim, scale in scales.items() if scale == axis[0]) for axis in dataset.dims)
    if dataset.shape != tuple(scales[dim].shape[0] for dim in of):
        raise ValueError(f"{dataset.name} has another length than its dimensions")
    return of


def values_of(dataset: h5py.Dataset, size: int) -> Any:
    """The values of a variable: a read-only array, or a list of texts. A file of `size` bytes cannot hold more than it has."""
    if h5py.check_string_dtype(dataset.dtype) is not None:
        if dataset.size * 16 > size:
            raise ValueError(f"{dataset.name} is longer than the file")
        return [text_of(value) for value in np.ravel(dataset[()])]
    if dataset.dtype.kind not in "iuf" or dataset.nbytes > size:
        raise ValueError(f"{dataset.name} is no column of numbers, or longer than the file")
    values = dataset[()]
    values.setflags(write=False)
    return values


def read_texts(group: h5py.Group, prefix: str, texts: dict[str, str], hashes: dict[str, str]) -> None:
    for key, item in group.items():
        if prefix.count("/") > 3 or len(texts) > _MOST_TEXTS:
            raise ValueError("texts are nested too deeply, or too many")
        if isinstance(item, h5py.Group):
            read_texts(item, f"{prefix}{key}/", texts, hashes)
            continue
        text, said = text_of(item[()]), text_of(item.attrs["sha256"])
        if hashlib.sha256(text.encode()).hexdigest() != said:
            raise ValueError(f"the text {prefix}{key} is not the one whose sha256 stands beside it")
        texts[prefix + key], hashes[prefix + key] = text, said


def text_of(value: Any) -> str:
    if isinstance(value, bytes | np.bytes_):
        return bytes(value).decode("utf-8")
    if isinstance(value, str):
        return str(value)
    raise TypeError("a text is none")
