"""tokwatt simulates large-language-model inference on real boxes.

>>> import tokwatt as tw
>>> r = tw.run("scenarios/twelve-people-on-a-spark.yaml", set={"environment.ambient": "35 degC"})  # doctest: +SKIP
>>> r.summary["ttft_s"]["p95"]  # doctest: +SKIP
"""

from ._core import __version__
from .capacities import Capacity, capacity
from .commands import Sheet, audit, bench, fit, models, show, systems
from .comparison import Comparison, compare
from .effects import sensitivity
from .errors import Infeasible, InputError, NoPlan, Problem
from .explained import explain
from .results import Results
from .saved import open_results
from .scenario import Scenario, load
from .simulate import run, whatif
from .studies import study
from .study_plot import StudyAccessor

__all__ = [
    "Capacity",
    "Comparison",
    "Infeasible",
    "InputError",
    "NoPlan",
    "Problem",
    "Results",
    "Scenario",
    "Sheet",
    "StudyAccessor",
    "__version__",
    "audit",
    "bench",
    "capacity",
    "compare",
    "explain",
    "fit",
    "load",
    "models",
    "open_results",
    "run",
    "sensitivity",
    "show",
    "study",
    "systems",
    "whatif",
]
