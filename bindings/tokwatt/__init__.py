"""tokwatt simulates large-language-model inference on real boxes.

>>> import tokwatt as tw
>>> r = tw.run("scenarios/twelve-people-on-a-spark.yaml", set={"environment.ambient": "35 degC"})  # doctest: +SKIP
>>> r.summary["ttft_s"]["p95"]  # doctest: +SKIP
"""

from ._core import __version__
from .commands import Sheet, audit, bench, fit, models, show, systems
from .errors import Infeasible, InputError, Problem
from .results import Results
from .saved import open_results
from .scenario import Scenario, load
from .simulate import run, whatif

__all__ = [
    "Infeasible",
    "InputError",
    "Problem",
    "Results",
    "Scenario",
    "Sheet",
    "__version__",
    "audit",
    "bench",
    "fit",
    "load",
    "models",
    "open_results",
    "run",
    "show",
    "systems",
    "whatif",
]
