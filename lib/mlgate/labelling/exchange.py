"""Export rows to a file, and import labels from one: all of them, or none."""

import csv
from pathlib import Path

from mlgate import artifacts
from mlgate.answers import spelling
from mlgate.artifacts import locked
from mlgate.errors import MlgateError
from mlgate.labelling import labels
from mlgate.labelling.formats import FORMATS, SAID, Given, label_studio_view
from mlgate.labelling.pool import key_of
from mlgate.labelling.session import Session, load
from mlgate.labelling.standing import stand
from mlgate.root import Policy, Root, write_atomically


def export(root: Root, policy: Policy, path: Path, format: str = "csv", most: int | None = None) -> str:
    """Write the rows that are still to be labelled, in their order, and say so. most: only so many of them."""
    session = load(root)
    session.require_open()
    places = stand(session, policy).next_rows("", most or session.line["horizon"])
    if not places:
        raise MlgateError("No row is left to label: mlgate label verdict says what came of it.")
    write_atomically(path, FORMATS[format].write([session.rows[place] for place in places], session.classes))
    said = f"{len(places):,} rows to label are in {path}, in the order that counts."
    if format == "label-studio":
        view = path.with_suffix(".xml")
        write_atomically(view, label_studio_view(session.classes).encode())
        said += f" {view} is the labelling interface to paste into the project's settings."
    return said


def take_in(root: Root, path: Path, format: str = "csv", annotator: str | None = None) -> str:
    """Add the labels of a file, all or none of them, and say how many. annotator: who gave them, whatever it says.

    Raises MlgateError naming the first row with an id that is missing, unknown or there twice, a text that was changed,
    a class that there is none of, or another label than this person gave before.
    """
    data = artifacts.read_bytes(path)
    with locked(root):
        session = load(root)
        session.require_open()
        try:
            given = list(FORMATS[format].read(data))
            fresh = _fresh(session, given, annotator)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, csv.Error) as error:
            why = error if isinstance(error, ValueError) else f"it is not as {format} writes it ({error!r:.100})"
            raise MlgateError(
                f"{path}: {str(why)[:300]}. Nothing was imported: mend it, and import it again."
            ) from error
        for who, found in fresh.items():
            session.add(who, found)
    added = sum(len(found) for found in fresh.values())
    return f"{added:,} labels were imported from {path}; {len(given) - added:,} were there already."


def _fresh(
    session: Session, given: list[Given], annotator: str | None
) -> dict[str, list[tuple[str, str | None, bool, float | None]]]:
    """Return the labels that are new, by annotator. Raises ValueError naming the first row that cannot be taken."""
    by_text = {row.key: row.id for row in session.rows}
    standing = session.labels()
    seen: set[tuple[str, str]] = set()
    fresh: dict[str, list[tuple[str, str | None, bool, float | None]]] = {}
    for each in given:
        id = _row_of(session, by_text, each)
        who = labels.require_name(annotator or each.annotator)
        if (who, id) in seen:
            raise ValueError(f"{each.where}: the row {id!r:.80} is there twice")
        seen.add((who, id))
        name, none = _class_of(session, each)
        fresh.setdefault(who, [])
        before = [label for label in standing.get(id, ()) if label.annotator == who]
        if not before:
            fresh[who].append((id, name, none, each.seconds))
        elif (before[0].name, before[0].none) != (name, none):
            raise ValueError(f"{each.where}: {who} labelled the row {id!r:.80} otherwise before")
    return fresh


def _row_of(session: Session, by_text: dict[str, str], each: Given) -> str:
    """Return the row's id. Tools number rows as they like: then the text says which it is."""
    known = each.id in session.place
    if each.text is None:
        if not known:
            raise ValueError(f"{each.where}: there is no row {each.id!r:.80} in this session")
        return each.id
    id = by_text.get(key_of(each.text))
    if id is None:
        what = "the text was changed" if known else "there is no such row in this session"
        raise ValueError(f"{each.where} (id {each.id!r:.80}): {what}")
    return id


def _class_of(session: Session, each: Given) -> tuple[str | None, bool]:
    name = each.name
    if name not in session.classes and spelling.is_numeral(name):
        name = spelling.number(name)  # "1" for "1.0": what a spreadsheet makes of a class
    if name in session.classes:
        return name, False
    if name not in SAID:
        raise ValueError(f"{each.where}: {each.name!r:.80} is no class; there are {', '.join(session.classes[:10])}")
    return SAID[name]
