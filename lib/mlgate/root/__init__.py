"""Where things are: the root's paths, its gate.toml, the policy, files replaced in one step. Standard library only."""

from mlgate.errors import MlgateError
from mlgate.root.files import open_file, read_file, reason_of, sync_folder, to_json, write_atomically
from mlgate.root.paths import Root, find_root
from mlgate.root.policy import (
    ACTIONS,
    DEMANDED,
    LOSSES,
    MEASURED,
    METRICS,
    REPRODUCE,
    SCORED,
    SECTIONS,
    Action,
    Metric,
    Policy,
    Reproduce,
    policy_from,
    read_settings,
    with_decision,
)
from mlgate.root.schemas import DIALECT, gate_schema, schema_of
from mlgate.root.settings import KEYS, WORDS, section
from mlgate.root.shipped import shipped
from mlgate.root.versions import versions

__all__ = [
    "ACTIONS",
    "DEMANDED",
    "DIALECT",
    "KEYS",
    "LOSSES",
    "MEASURED",
    "METRICS",
    "REPRODUCE",
    "SCORED",
    "SECTIONS",
    "WORDS",
    "Action",
    "Metric",
    "MlgateError",
    "Policy",
    "Reproduce",
    "Root",
    "find_root",
    "gate_schema",
    "open_file",
    "policy_from",
    "read_file",
    "read_settings",
    "reason_of",
    "schema_of",
    "section",
    "shipped",
    "sync_folder",
    "to_json",
    "versions",
    "with_decision",
    "write_atomically",
]
