"""Run the numbered notebooks through papermill."""

from mlgate import pinned  # noqa: F401  (before numpy)
from mlgate.notebooks.endings import CellError
from mlgate.notebooks.handover import hand_on
from mlgate.notebooks.pages import PAGE, write_page
from mlgate.notebooks.runner import Result, run
from mlgate.notebooks.sources import WARM_UP, check_parameters, find, pick, read_parameters, warm_up

__all__ = [
    "PAGE",
    "WARM_UP",
    "CellError",
    "Result",
    "check_parameters",
    "find",
    "hand_on",
    "pick",
    "read_parameters",
    "run",
    "warm_up",
    "write_page",
]
