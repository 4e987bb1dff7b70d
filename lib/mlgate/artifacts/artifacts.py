"""Write pipeline.pkl and its card; read them, verify by digest, then load: nothing is unpickled before."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlgate.artifacts.cards import Card, card_from, read_card, to_json
from mlgate.artifacts.limits import MEGABYTE, Limits, limits_of
from mlgate.artifacts.lock import locked
from mlgate.artifacts.model import Model, digest, dump, load
from mlgate.errors import MlgateError
from mlgate.root import Root, open_file, versions, write_atomically

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


HUGE = 500  # times what may be loaded: not even a digest is worth the wait


def load_file(path: Path, limits: Limits, numbers: bool = False) -> Model:
    """Return a model from anywhere, without a card; numbers: a regressor. Raises MlgateError where there is no file."""
    try:
        return load(read_bytes(path, most=limits.bytes), limits, numbers=numbers)
    except TooLarge as error:
        return error.model


def load_production(root: Root) -> Model:
    """Return the production model. Raises MlgateError where there is none, or it is not a known and sound model."""
    data = read_production(root)
    card = read_card(root.cards / f"{digest(data)}.json", digest(data))
    advice = "Bring back the committed one: git checkout -- artifacts_prod."
    if card is None:
        raise MlgateError(
            f"The production model {digest(data)[:12]} has no card in {root.cards}: it is not known. {advice}"
        )
    model = load(data, limits_of(root.settings()), card, known=True)
    if model.fault:
        raise MlgateError(f"The production model {model.digest[:12]} cannot be used: {model.fault} {advice}")
    return model


def read_production(root: Root) -> bytes:
    """Return the bytes of the production model. Raises MlgateError where there is none."""
    advice = "Run notebook 01 first: it trains the first production model."
    return read_bytes(root.production, advice, limits_of(root.settings()).bytes)


def load_candidate(root: Root) -> Model:
    """Return the candidate model. Raises MlgateError where there is none; a bad one is a Model that names its fault."""
    try:
        data = read_candidate(root)
    except TooLarge as error:
        return error.model
    try:
        card = read_card(root.candidate_card, digest(data))
    except MlgateError as error:
        return Model(digest(data), len(data), fault=str(error))
    if card is None:
        fault = "its card.json does not describe these bytes: they are not what was trained. Run notebook 02 again"
        return Model(digest(data), len(data), fault=fault)
    return load(data, limits_of(root.settings()), card)


def read_candidate(root: Root) -> bytes:
    """Return the bytes of the candidate model. Raises MlgateError where there is none."""
    advice = "Run notebook 02 first: it trains a candidate."
    return read_bytes(root.candidate, advice, limits_of(root.settings()).bytes)


def write_candidate(root: Root, pipeline: Pipeline, facts: dict[str, Any]) -> Model:
    """Write the candidate model and its card; an earlier verdict about another candidate is removed."""
    data = dump(pipeline)
    card = card_of(pipeline, data, facts)
    with locked(root):
        for path in (root.verdict, root.preview, root.candidate_keys):
            path.unlink(missing_ok=True)
        if facts.get("keys"):
            write_atomically(root.candidate_keys, facts["keys"])
        write_atomically(root.candidate_card, to_json(card))
        write_atomically(root.candidate, data)
    return Model(digest(data), len(data), pipeline, card=card)


def card_of(pipeline: Pipeline, data: bytes, facts: dict[str, Any]) -> Card:
    """Return the card of a model: `facts` says how it came to be (Recipe.facts)."""
    known = {
        "digest": digest(data),
        "bytes": len(data),
        "classes": [str(name) for name in pipeline.classes_],
        **facts,
        "versions": versions(),
        "machine": platform.machine(),
    }
    if "keys" in facts:
        known["keys"] = digest(facts["keys"])
    return card_from(known)


class TooLarge(MlgateError):
    """A file is larger than [artifacts] in gate.toml allows. `model` names its digest and its fault."""

    def __init__(self, path: Path, size: int, most: int):
        super().__init__(
            f"{path} is too large: {size / MEGABYTE:,.1f} MB, and max_megabytes is {most / MEGABYTE:,.1f}. Save a"
            " smaller model, or raise max_megabytes under [artifacts] in gate.toml"
        )
        with open(path, "rb") as file:
            self.model = Model(hashlib.file_digest(file, "sha256").hexdigest(), size, fault=str(self))


def read_bytes(path: Path, advice: str = "Check the path.", most: int | None = None) -> bytes:
    """Return the bytes of a file. Raises MlgateError where they cannot be read, TooLarge above `most` bytes."""
    try:
        with open_file(path) as file:
            if most is None:
                return file.read()
            size = os.fstat(file.fileno()).st_size
            if size > HUGE * most:
                raise MlgateError(
                    f"{path} is larger than {HUGE * most / MEGABYTE:,.0f} MB: that is no model. Remove it."
                )
            data = file.read(most + 1)
            if len(data) > most:
                raise TooLarge(path, size, most)
            return data
    except FileNotFoundError as error:
        raise MlgateError(f"There is no file {path}. {advice}") from error
    except OSError as error:
        raise MlgateError(f"{path} cannot be read: {error.strerror}.") from error
