"""Watch production: evidence that traffic moved or harms, with a stated price in false alarms."""

from mlgate.watch.detector import Band, Detector, new_detector
from mlgate.watch.drifts import DRIFTS, Drift
from mlgate.watch.keeper import Keeper
from mlgate.watch.lights import LIGHTS, Lights
from mlgate.watch.profile import Profile, make_for, path_of, read, to_bytes
from mlgate.watch.replay import replay
from mlgate.watch.settings import Settings, settings_of
from mlgate.watch.simulate import Plan, simulate
from mlgate.watch.status import export, forget, spent, status, take_labels
from mlgate.watch.words import text

__all__ = [
    "DRIFTS",
    "LIGHTS",
    "Band",
    "Detector",
    "Drift",
    "Keeper",
    "Lights",
    "Plan",
    "Profile",
    "Settings",
    "export",
    "forget",
    "make_for",
    "new_detector",
    "path_of",
    "read",
    "replay",
    "settings_of",
    "simulate",
    "spent",
    "status",
    "take_labels",
    "text",
    "to_bytes",
]
