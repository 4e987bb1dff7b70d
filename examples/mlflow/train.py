"""Register two versions of a model, the champion and a challenger, and write rows that neither has seen.

Usage: python train.py, with MLFLOW_TRACKING_URI as you like it (say, sqlite:///mlflow.db)
"""

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.models import infer_signature
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

NAME = "tumours"
table = load_breast_cancer(as_frame=True)
rows = table.data
labels = np.array(table.target_names)[table.target]
train = np.arange(len(rows)) % 3 == 0

few = rows.columns[:2].tolist()  # the champion makes do with two measurements of thirty
models = {
    "champion": (LogisticRegression(max_iter=1_000), few),
    "challenger": (make_pipeline(StandardScaler(), LogisticRegression()), rows.columns.tolist()),
}
client = MlflowClient()
for alias, (model, columns) in models.items():
    model.fit(rows.loc[train, columns], labels[train])
    signature = infer_signature(rows[columns], model.predict(rows[columns]))
    with mlflow.start_run(run_name=alias):
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            signature=signature,
            registered_model_name=NAME,
            pip_requirements=["scikit-learn"],
        )
    client.set_registered_model_alias(NAME, alias, logged.registered_model_version)
rows[~train].assign(label=labels[~train]).to_csv("rows.csv", index=False)
print(f"{NAME}: a champion, a challenger, and rows.csv")
