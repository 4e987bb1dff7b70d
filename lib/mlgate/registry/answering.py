"""Answer rows with a model of MLflow's: JSON lines in, JSON lines out. Run in a process of its own, on a folder.

Usage: python -m mlgate.registry.answering FOLDER
"""

import json
import os
import sys
from typing import Any


def main(folder: str) -> None:
    """Answer the rows on standard input."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as output:
        os.dup2(2, 1)  # whatever the model prints is no answer
        rows = [json.loads(line) for line in sys.stdin]
        for row, answer in zip(rows, _answers(folder, rows), strict=True):
            print(json.dumps({"id": row["id"], "answer": answer}), file=output)


def _answers(folder: str, rows: list[dict[str, Any]]) -> list[Any]:
    import mlflow
    import pandas as pd

    model = mlflow.pyfunc.load_model(folder)
    frame = pd.DataFrame(rows).drop(columns="id")
    schema = model.metadata.get_input_schema()
    if schema is not None and schema.has_input_names():
        frame = frame[[name for name in schema.input_names() if name in frame]]
    found = model.predict(frame)
    if isinstance(found, pd.DataFrame):
        found = found.squeeze("columns")
    return found.tolist() if hasattr(found, "tolist") else list(found)


if __name__ == "__main__":
    main(sys.argv[1])
