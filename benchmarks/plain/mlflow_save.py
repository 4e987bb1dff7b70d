"""A pipeline.pkl as an MLflow model. Runs in MLflow's own environment. Usage: mlflow_save.py pipeline.pkl folder"""

import sys

import joblib
import mlflow

mlflow.sklearn.save_model(joblib.load(sys.argv[1]), sys.argv[2], pip_requirements=["scikit-learn"])
