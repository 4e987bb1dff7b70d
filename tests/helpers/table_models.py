"""Honest models of tables: what people put before and into scikit-learn's classifiers and regressors."""

import warnings
from functools import cache, partial

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
)
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.impute import SimpleImputer
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC
from sklearn.tree import DecisionTreeRegressor

rng = np.random.default_rng(0)
ROWS = pd.DataFrame(
    {
        "age": np.where(np.arange(90) % 7, rng.normal(40, 10, 90), np.nan),
        "income": rng.exponential(3, 90),
        "city": rng.choice(["north", "south", "east"], 90),
    }
)
LABELS = np.where(ROWS["income"] + rng.normal(0, 1, 90) > 2, "yes", "no")
THREE = rng.choice(["a", "b", "c"], 90)
NUMBERS = rng.normal(0, 1, 90)


def table(*last, labels=LABELS, encoder=None, numbers=None):
    columns = [
        ("numbers", numbers or make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income"]),
        ("words", encoder or OneHotEncoder(handle_unknown="ignore"), ["city"]),
    ]
    return make_pipeline(ColumnTransformer(columns), *last).fit(ROWS, labels)


def selected(*last):
    encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=31, drop="first")
    columns = [
        ("numbers", SimpleImputer(strategy="median"), make_column_selector(dtype_include=np.number)),
        ("words", encoder, make_column_selector(dtype_include=object)),
    ]
    return make_pipeline(ColumnTransformer(columns), *last).fit(ROWS.astype({"city": object}), LABELS)


CATEGORIES = ColumnTransformer([("words", OrdinalEncoder(), ["city"])], remainder="passthrough")
UNKNOWN = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
STACKED = [("a", LogisticRegression()), ("b", RandomForestClassifier(3))]
USUAL = {
    "scaler, one-hot": lambda: table(LogisticRegression()),
    "ordinal": lambda: table(LogisticRegression(), encoder=UNKNOWN),
    "imputer": lambda: table(LogisticRegression(), numbers=SimpleImputer(add_indicator=True)),
    "column selector": lambda: selected(LogisticRegression()),
    "function": lambda: table(FunctionTransformer(np.tanh), LogisticRegression()),
    "best columns": lambda: table(SelectKBest(f_classif, k=2), LogisticRegression()),
    "other scalers": lambda: table(MinMaxScaler(), RobustScaler(), PCA(2), LogisticRegression()),
    "Ridge": lambda: table(Ridge(), labels=NUMBERS),
    "SVC": lambda: table(SVC()),
    "SVC of three": lambda: table(SVC(), labels=THREE),
    "calibrated": lambda: table(CalibratedClassifierCV(LinearSVC(), cv=2)),
    "neighbours": lambda: table(KNeighborsClassifier()),
    "neighbours, ball tree": lambda: table(KNeighborsClassifier(algorithm="ball_tree", weights="distance")),
    "neighbours, brute": lambda: table(KNeighborsClassifier(algorithm="brute")),
    "network": lambda: table(MLPClassifier((5,), max_iter=5)),
    "network, SGD": lambda: table(MLPClassifier((5,), solver="sgd", max_iter=5, early_stopping=True)),
    "forest": lambda: table(RandomForestClassifier(3)),
    "boosting": lambda: table(GradientBoostingClassifier(n_estimators=3)),
    "boosting of three": lambda: table(GradientBoostingClassifier(n_estimators=3), labels=THREE),
    "boosting, exponential": lambda: table(GradientBoostingClassifier(n_estimators=3, loss="exponential", init="zero")),
    "histograms": lambda: table(HistGradientBoostingClassifier(max_iter=3)),
    "histograms of three": lambda: table(HistGradientBoostingClassifier(max_iter=3), labels=THREE),
    "histograms, categories": lambda: make_pipeline(
        CATEGORIES, HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=5, categorical_features=[0])
    ).fit(ROWS, np.where(ROWS["city"] == "east", "yes", "no")),
    "stacking": lambda: table(StackingClassifier(STACKED, cv=2)),
}
REGRESSORS = [
    *(LinearRegression(), Lasso(), ElasticNet(), SVR(), DecisionTreeRegressor(), KNeighborsRegressor()),
    *(MLPRegressor(hidden_layer_sizes=(5,), max_iter=5), RandomForestRegressor(3), ExtraTreesRegressor(3)),
    *(GradientBoostingRegressor(n_estimators=3), GradientBoostingRegressor(n_estimators=3, loss="huber")),
    *(HistGradientBoostingRegressor(max_iter=3, loss=loss) for loss in ("squared_error", "absolute_error")),
    HistGradientBoostingRegressor(max_iter=3, loss="quantile", quantile=0.5),
]
NAMED = [(f"{number} {type(last).__name__}", last) for number, last in enumerate(REGRESSORS)]
USUAL |= {name: partial(table, last, labels=NUMBERS) for name, last in NAMED}
USUAL["poisson"] = lambda: table(HistGradientBoostingRegressor(max_iter=3, loss="poisson"), labels=NUMBERS**2)


@cache
def usual(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return USUAL[name]()
