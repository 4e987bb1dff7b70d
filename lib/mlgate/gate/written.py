"""Verdicts that were written down: their schema, and how they are read again."""

from typing import Any, get_type_hints

from mlgate.gate.verdict import (
    HOLD,
    PROMOTE,
    REJECT,
    SCHEMA,
    Check,
    Code,
    Difference,
    Discordant,
    Look,
    RowSet,
    Side,
    Slice,
    Verdict,
)
from mlgate.root import DIALECT, schema_of
from mlgate.root.shapes import misfit

# The names under which verdicts of older ledgers list the checks, which had no code then.
_CODES: dict[str, Code] = {
    "labelled checks": "labelled_checks",
    "accuracy floor": "accuracy_floor",
    "one class": "one_class",
    "small slices pooled": "slice",
    "negative flips": "negative_flips",
    "too good": "too_good",
    "production leakage": "production_leakage",
    "rolled back": "rolled_back",
}


def schema() -> dict[str, Any]:
    """Return the JSON schema of verdict.json."""
    found = schema_of(Verdict)
    properties = found["properties"]
    look = {name: schema_of(hint) for name, hint in get_type_hints(Look).items()}
    properties |= {
        "schema": {"const": SCHEMA},
        "discordant": schema_of(Discordant | None),
        "look": {"type": "object", "properties": look},
        "labels": {"type": "object"},
        "unusable": {"type": "string"},
    }
    later = ("labels", "unusable")
    required = ["schema", *(name for name in properties if name not in (*later, "schema"))]
    return {"$schema": DIALECT, "$id": "urn:mlgate:verdict:1", "title": "verdict.json", **found, "required": required}


def verdict_from(value: dict[str, Any]) -> Verdict:
    """Return the Verdict that `as_dict` made this of. Raises ValueError where a part is missing or of another kind."""
    try:
        if wrong := misfit({**value, "discordant": None}, Verdict) or misfit(value["discordant"], Discordant | None):
            raise TypeError(wrong)
        return _verdict_from(value)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no verdict of mlgate: {error}") from error


def _verdict_from(value: dict[str, Any]) -> Verdict:
    difference = None
    if value["difference"]:
        difference = Difference(**value["difference"])
    discordant = None
    if value["discordant"]:
        pair = value["discordant"]
        discordant = (pair["candidate_only_right"], pair["production_only_right"])
    if value["decision"] not in (PROMOTE, HOLD, REJECT):
        raise TypeError(f"the decision {value['decision']!r}")
    return Verdict(
        decision=value["decision"],
        reason=value["reason"],
        production=Side(**value["production"]),
        candidate=Side(**value["candidate"]),
        rows=RowSet(**value["rows"]),
        difference=difference,
        discordant=discordant,
        checks=tuple(_check_from(check) for check in value["checks"]),
        slices=tuple(Slice(**part) for part in value["slices"]),
        look=Look(**value["look"]),
        policy=value["policy"],
        fragility=value["fragility"],
        versions=value["versions"],
        labels=value.get("labels"),
    )


def _check_from(value: dict[str, Any]) -> Check:
    return Check(**{"code": _code_of(value["name"]), **value})


def _code_of(name: str) -> Code:
    """Return the code of a check in a verdict that was written when checks had none."""
    if name.startswith("slice "):
        return "slice"
    return _CODES.get(name, name)  # type: ignore[arg-type]  # all others are called as their code is
