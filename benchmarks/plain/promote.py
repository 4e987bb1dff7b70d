"""What people write third: copy the file. Usage: promote.py FOLDER"""

import shutil
import sys
from pathlib import Path

folder = Path(sys.argv[1])
if (folder / "decision.txt").read_text() == "promote":
    shutil.copy(folder / "candidate.pkl", folder / "production.pkl")
    print("promoted")
