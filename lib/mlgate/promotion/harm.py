"""What follows when labels have proven harm: nothing but a report, or a rollback."""

import logging
from collections.abc import Callable

from mlgate.errors import MlgateError
from mlgate.promotion.promotion import rollback
from mlgate.root import Root
from mlgate.watch.settings import ROLLBACK, Settings

log = logging.getLogger("mlgate.watch")


def action_on_harm(root: Root, settings: Settings) -> Callable[[], None] | None:
    """Return what `on_harm` under [watch] asks for.

    A model that is as good as its profile is rolled back at most once in 2 `rows_per_false_alarm` labelled rows.
    """
    if settings.on_harm != ROLLBACK:
        return None

    def act() -> None:
        try:
            log.warning("Harm is proven: production is %s again.", rollback(root)[:12])
        except MlgateError as error:
            log.warning("Harm is proven, and production stays: %s", error)

    return act
