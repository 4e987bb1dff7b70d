"""Where things are: the root"s paths, its gate.toml, the policy, files replaced in one step. Standard library only."""

from mlgate.errors import MlgateError
from mlgate.root.files import reason_of, sync_folder, write_atomically
from mlgate.root.paths import Root, find_root
from mlgate.root.policy import ACTIONS, REPRODUCE, Policy, demand, policy_from
from mlgate.root.settings import SECTIONS, WORDS, read_settings, section

__all__ = [
    "ACTIONS",
    "REPRODUCE",
    "SECTIONS",
    "WORDS",
    "MlgateError",
    "Policy",
    "Root",
    "demand",
    "find_root",
    "policy_from",
    "read_settings",
    "reason_of",
    "section",
    "sync_folder",
    "write_atomically",
]
