"""
C++ core of tokwatt; use the package, not this module.
"""
from __future__ import annotations
import collections.abc
import typing
import numpy as np
__all__: list[str] = ['BenchProblems', 'Run', 'believed', 'calibrated_engines', 'calibrated_systems', 'check_names', 'did_you_mean', 'known_models', 'known_quants', 'own_quant', 'run_file', 'run_text', 'tuning_parameters', 'unpack_families']
class Run:
    """
    One finished simulation.
    """
    def __getstate__(self) -> tuple:
        ...
    def __setstate__(self, arg0: tuple) -> None:
        ...
    def columns(self, group: str) -> list:
        """
        Columns of a group: (name, units, long_name, dims, values, flag_meanings); numbers are read-only views.
        """
    def save(self, path: str) -> None:
        """
        Write the results file.
        """
    @property
    def groups(self) -> list[str]:
        """
        Names of the groups of columns.
        """
    @property
    def seed(self) -> int:
        """
        Seed of all random draws.
        """
    @property
    def summary_json(self) -> str:
        """
        Summary as JSON text.
        """
    @property
    def texts(self) -> dict[str, str]:
        """
        Scenario and sheets by name.
        """
    @property
    def title(self) -> str:
        """
        Title of the scenario.
        """
def run_file(path: str, *, sets: collections.abc.Sequence[str], stepping: str, interval: str, progress: typing.Any) -> Run:
    """
    Simulate a scenario file; releases the GIL.
    """
def run_text(name: str, text: str, *, folder: str, sets: collections.abc.Sequence[str], stepping: str, interval: str, progress: typing.Any) -> Run:
    """
    Simulate a scenario given as text; releases the GIL.
    """
__version__: str = '0.1.0'

class BenchProblems:
    """Measured tests priced with many tunings at once."""

    def __init__(self, rows: list[dict[str, typing.Any]]) -> None: ...
    def rates(self, linked: np.ndarray) -> np.ndarray: ...
    @property
    def about(self) -> list[dict[str, typing.Any]]: ...

def tuning_parameters() -> list[tuple[str, str]]: ...
def calibrated_systems() -> list[tuple[str, str, list[str]]]: ...
def calibrated_engines() -> list[tuple[str, str, list[str]]]: ...


def unpack_families() -> list[str]: ...
def believed(system: str, engine: str) -> dict[str, typing.Any]: ...
def check_names(models: collections.abc.Sequence[str], quants: collections.abc.Sequence[str]) -> None: ...
def did_you_mean(word: str, names: collections.abc.Sequence[str]) -> str: ...
def known_models() -> list[dict[str, typing.Any]]: ...
def known_quants() -> list[tuple[str, list[str]]]: ...
def own_quant(model: str) -> str: ...

def command(name: str, arguments: collections.abc.Sequence[str]) -> tuple[int, str, str]:
    """
    What a command of the program says: (exit code, standard output, standard error).
    """
def limit_sentence(summary_json: str) -> str:
    """
    What limited a run, in a sentence.
    """
def check_file(path: str, *, sets: collections.abc.Sequence[str]) -> dict[str, typing.Any]:
    """
    Read and check a scenario file: title, seed, deployments, streams, assumed, notes, texts.
    """
def check_text(name: str, text: str, *, folder: str, sets: collections.abc.Sequence[str]) -> dict[str, typing.Any]:
    """
    The same of a scenario given as text.
    """
