"""Run the numbered notebooks through papermill."""

from mlgate.notebooks.runner import (
    PAGE,
    WARM_UP,
    CellError,
    Result,
    check_parameters,
    find,
    pick,
    read_parameters,
    run,
    warm_up,
    write_page,
)

__all__ = [
    "PAGE",
    "WARM_UP",
    "CellError",
    "Result",
    "check_parameters",
    "find",
    "pick",
    "read_parameters",
    "run",
    "warm_up",
    "write_page",
]
