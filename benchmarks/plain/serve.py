"""The service as people write it: FastAPI, a `def` endpoint, the pipeline. Usage: PIPELINE=… uvicorn serve:app"""

import os

import joblib
from fastapi import FastAPI
from pydantic import BaseModel

pipeline = joblib.load(os.environ["PIPELINE"])
app = FastAPI()


class Question(BaseModel):
    texts: list[str]


@app.post("/predict")
def predict(question: Question):
    scores = pipeline.predict_proba(question.texts)
    best = scores.argmax(axis=1)
    answers = zip(pipeline.classes_[best].tolist(), scores.max(axis=1).tolist(), strict=True)
    return {"predictions": [{"label": label, "score": score} for label, score in answers]}


@app.post("/parse")
async def parse(question: Question):
    """No model at all: what this stack reaches at best."""
    return {"predictions": [{"label": "positive", "score": 0.5} for _ in question.texts]}


@app.get("/health")
async def health():
    return {"status": "ok"}
