"""`python -m mlgate …`, for where the package is not installed (with lib/ on PYTHONPATH)."""

from mlgate.cli import main

raise SystemExit(main())
