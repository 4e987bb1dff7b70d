"""Papermill's own engine, but for how often it writes the notebook to disk: once a second, not twice a cell."""

import time
from typing import Any

from papermill.engines import NBClientEngine, papermill_engines

NAME = "mlgate"
PAUSE = 1.0  # seconds at least from one time that the notebook is written to the next: each takes some 10 milliseconds


class Engine(NBClientEngine):
    """Runs a notebook as papermill does. At its end, however it ends, papermill writes the whole of it."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, *arguments: Any, **options: Any) -> Any:
        """Run the notebook of `nb_man`, and keep it from being written more often than that."""
        save = nb_man.save
        last = time.monotonic()

        def seldom(**told: Any) -> None:
            nonlocal last
            if time.monotonic() - last >= PAUSE:
                save(**told)
                last = time.monotonic()

        nb_man.save = seldom
        try:
            return super().execute_managed_notebook(nb_man, *arguments, **options)
        finally:
            nb_man.save = save


papermill_engines.register(NAME, Engine)
