"""
C++ core of tokwatt; use the package, not this module.
"""
from __future__ import annotations
import collections.abc
import typing
import numpy as np
__all__: list[str] = ['BenchProblems', 'Dataset', 'Question', 'Run', 'Study', 'believed', 'calibrated_engines', 'calibrated_systems', 'check_names', 'did_you_mean', 'explain', 'known_models', 'known_quants', 'numbers_of', 'own_quant', 'run_file', 'run_text', 'tuning_parameters', 'unpack_families']
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
    Read and check a scenario file: title, seed, deployments, quants, streams, assumed, notes, texts.
    """
def check_text(name: str, text: str, *, folder: str, sets: collections.abc.Sequence[str]) -> dict[str, typing.Any]:
    """
    The same of a scenario given as text.
    """
def in_unit(text: str, unit: str) -> float:
    """
    A quantity of a scenario in W, degC or USD/kWh; ValueError where it is none.
    """

class Dataset:
    """
    What the numbers of a study's results lie in.
    """
class Study:
    """
    A study that was read and checked, and its answers so far.
    """
    @staticmethod
    def of_file(path: str, *, sets: collections.abc.Sequence[str]) -> Study:
        """
        Read and check a file.
        """
    @staticmethod
    def of_text(name: str, text: str, *, folder: str, sets: collections.abc.Sequence[str]) -> Study:
        """
        The same of a text.
        """
    @property
    def title(self) -> str:
        """
        Title of the study.
        """
    @property
    def points(self) -> int:
        """
        How many points it has.
        """
    @property
    def fingerprint(self) -> str:
        """
        SHA-256 of all that its results depend on.
        """
    @property
    def texts(self) -> dict[str, str]:
        """
        The study, its scenario and the sheets, by name.
        """
    @property
    def to_do(self) -> list[int]:
        """
        Points without an answer.
        """
    def lines_at(self, points: collections.abc.Sequence[int]) -> list[str]:
        """
        The answers at points, a line of JSON each.
        """
    def add_lines(self, lines: collections.abc.Sequence[str]) -> None:
        """
        Take such answers in.
        """
    def open_journal(self, path: str) -> None:
        """
        Keep answers in a file as they come, and take those that it has.
        """
    def close_journal(self) -> None:
        """
        Let go of that file.
        """
    def columns(self) -> tuple[list[tuple], list[str]]:
        """
        The results: columns as of a Run, and the names of those that are coordinates besides the axes.
        """
    def save(self, path: str) -> None:
        """
        Write the results file; the journal goes.
        """
class Question:
    """
    A scenario that can be asked something; answers are JSON, as the commands print.
    """
    @staticmethod
    def of_file(path: str, *, sets: collections.abc.Sequence[str]) -> Question:
        """
        Of a scenario file.
        """
    @staticmethod
    def of_text(name: str, text: str, *, folder: str, sets: collections.abc.Sequence[str]) -> Question:
        """
        Of a scenario given as text.
        """
    def compare(self, *, systems: collections.abc.Sequence[str], of: str, apis: collections.abc.Sequence[str], interval: bool) -> str:
        """
        Boxes side by side.
        """
    def capacity(self, *, slo: str, stream: str, interval: bool) -> str:
        """
        The largest load within objectives.
        """
    def sensitivity(self, *, metrics: str) -> str:
        """
        What one per cent of each number does.
        """
def numbers_of(summary_json: str) -> list[tuple[str, str, str, float]]:
    """
    Every number of a summary: (name, units, long_name, value); NaN where it is null.
    """
def explain(summary_json: str, columns: collections.abc.Mapping[str, collections.abc.Sequence[float]]) -> dict[str, dict[str, typing.Any]]:
    """
    Where the seconds and joules of a run went, by deployment; columns by path.
    """
