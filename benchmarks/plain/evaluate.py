"""What people write second: two accuracies on the test rows, and which is larger. Usage: evaluate.py FOLDER"""

import sys
from pathlib import Path

import joblib
import pandas as pd
from sklearn.metrics import accuracy_score

folder = Path(sys.argv[1])
holdout = pd.read_csv(folder / "holdout.csv")
production, candidate = (joblib.load(folder / name) for name in ("production.pkl", "candidate.pkl"))
ours = accuracy_score(holdout["label"], production.predict(holdout["text"]))
theirs = accuracy_score(holdout["label"], candidate.predict(holdout["text"]))
print(f"production {ours:.4f}, candidate {theirs:.4f}")
(folder / "decision.txt").write_text("promote" if theirs > ours else "keep")
