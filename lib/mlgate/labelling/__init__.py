"""Which rows to label, in which order, until when: only what decides, until the verdict is certain."""

from mlgate.labelling.beginning import BUDGET, new, plan
from mlgate.labelling.deciding import conclude
from mlgate.labelling.exchange import export, take_in
from mlgate.labelling.formats import FORMATS
from mlgate.labelling.pool import Traffic
from mlgate.labelling.session import Session, load
from mlgate.labelling.standing import Standing, stand
from mlgate.labelling.words import status

__all__ = [
    "BUDGET",
    "FORMATS",
    "Session",
    "Standing",
    "Traffic",
    "conclude",
    "export",
    "load",
    "new",
    "plan",
    "stand",
    "status",
    "take_in",
]
