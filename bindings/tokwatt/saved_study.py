"""Files of studies (HDF5), as `tokwatt study -o` writes them."""

from __future__ import annotations

import os

import h5py
import numpy as np
import xarray as xr

from .errors import InputError
from .saved import DAMAGE, check_program, check_signature, damaged, dims_of, read_texts, text_of, values_of, wrong_file

_WRITER = "tokwatt study -o"


def is_study(path: str) -> bool:
    """Whether a file carries the text of a study. What cannot be opened is none: whoever reads it says why."""
    try:
        with h5py.File(path, "r") as file:
            return "texts/study" in file
    except DAMAGE:
        return False


class SavedStudy:
    """A study as its file has it.

    Attributes
    ----------
    points : xarray.Dataset
        Axes as coordinates; a variable for each metric, ``status``, ``reason`` and, with constraints, ``feasible``.
    """

    def __init__(self, path: str) -> None:
        check_signature(path)
        try:
            with h5py.File(path, "r") as file:
                self._read(path, file)
        except InputError:
            raise
        except DAMAGE as error:
            raise damaged(path, error, _WRITER) from error

    def _read(self, path: str, file: h5py.File) -> None:
        check_program(path, file)
        if "texts/study" not in file:
            raise wrong_file(path, f"holds no study (it has no texts/study); expected results of {_WRITER}")
        self.version = text_of(file.attrs["tokwatt_version"])
        self.title = text_of(file.attrs.get("title", ""))
        self.texts: dict[str, str] = {}
        self.hashes: dict[str, str] = {}
        read_texts(file["texts"], "", self.texts, self.hashes)
        variables = {name: item for name, item in file.items() if isinstance(item, h5py.Dataset)}
        scales = {name: item for name, item in variables.items() if item.is_scale}
        along = set(text_of(file.attrs.get("coordinates", "")).split())
        data, coordinates = {}, {}
        for name, item in variables.items():
            dims = dims_of(item, name, scales, None)
            if dims is not None:
                into = coordinates if name in scales or name in along else data
                into[name] = _variable(item, dims, os.path.getsize(path))
        self.points = xr.Dataset(data, coordinates)
        if self.points["status"].dims != tuple(scales):
            raise ValueError("status is not along every axis")
        for name in ("status", "feasible"):
            if name in self.points:
                _check_flags(name, self.points[name])


def _variable(item: h5py.Dataset, dims: tuple[str, ...], size: int) -> xr.Variable:
    values = values_of(item, size)
    array = np.array(values, dtype=object).reshape(item.shape) if isinstance(values, list) else values
    names = ("units", "long_name", "flag_meanings")
    return xr.Variable(dims, array, {name: text_of(item.attrs[name]) for name in names if name in item.attrs})


def _check_flags(name: str, flags: xr.DataArray) -> None:
    meanings = flags.attrs["flag_meanings"].split()
    if flags.dtype.kind != "i" or (flags.size and not (0 <= flags.min() and flags.max() < len(meanings))):
        raise ValueError(f"{name} has a flag without meaning")
