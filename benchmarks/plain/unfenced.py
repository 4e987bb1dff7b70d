"""mlgate, whose child processes are left out: models are opened and asked in the process itself, without limits."""

import sys

from mlgate.artifacts import fence
from mlgate.cli import main

fence.FORKS = False
sys.exit(main())
