"""tokwatt simulates large-language-model inference on real boxes.

>>> import tokwatt as tw
>>> r = tw.run("scenarios/twelve-people-on-a-spark.yaml", set={"environment.ambient": "35 degC"})  # doctest: +SKIP
>>> r.summary["ttft_s"]["p95"]  # doctest: +SKIP
"""

from ._core import __version__
from .errors import Infeasible, InputError, Problem
from .results import Results
from .saved import open_results
from .simulate import run

__all__ = ["Infeasible", "InputError", "Problem", "Results", "__version__", "open_results", "run"]
