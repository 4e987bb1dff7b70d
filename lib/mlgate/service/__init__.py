"""The service: always answers with the production model, and takes over a promoted one while requests flow.

`mlgate serve`, or `uvicorn mlgate.service:app`. Each process watches artifacts_prod/ for itself and counts for itself.
"""

from mlgate import pinned  # noqa: F401  (before numpy)
from mlgate.service.application import Service, app, create_app, serve

__all__ = ["Service", "app", "create_app", "serve"]
