"""`mlgate init`: the files a gate begins with, out of a file of answers or of labelled texts."""

from mlgate.init.answers import begin
from mlgate.init.pipeline import begin_pipeline
from mlgate.init.roles import Named, Roles, roles_in

__all__ = ["Named", "Roles", "begin", "begin_pipeline", "roles_in"]
