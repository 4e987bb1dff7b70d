"""Ways to train: good recipes and sabotaged ones, and the training cache."""

from mlgate import pinned  # noqa: F401  (before numpy)
from mlgate.recipes.own import named, recipes_of
from mlgate.recipes.recipes import (
    RECIPES,
    SEED,
    Recipe,
    bad_training_data,
    baseline,
    challenger,
    logistic_regression,
    noisy_labels,
    recipe,
    reduced_dataset,
    truncated_vocabulary,
    wrong_preprocessing,
)

__all__ = [
    "RECIPES",
    "SEED",
    "Recipe",
    "bad_training_data",
    "baseline",
    "challenger",
    "logistic_regression",
    "named",
    "noisy_labels",
    "recipe",
    "recipes_of",
    "reduced_dataset",
    "truncated_vocabulary",
    "wrong_preprocessing",
]
