"""What the service's page asks for: a film review, or a text of somebody's own corpus."""

import html

from mlgate.errors import MlgateError
from mlgate.root import Root, section

REVIEW = "A wonderful film, full of life, but with an awful ending."


def filled_in(page: str, root: Root | None) -> str:
    """Return the page with the word for a text and an example of one in their places.

    The example is never a row of somebody's corpus: what is in there may be no stranger's business.
    """
    label = "A review"
    example = REVIEW
    column = _text_column(root)
    if column is not None:
        label = f"A text ({column})"
        example = ""
    return page.replace("{{label}}", html.escape(label)).replace("{{example}}", html.escape(example))


def _text_column(root: Root | None) -> str | None:
    """Return the column of texts in [corpus] of gate.toml; None for the film reviews."""
    if root is None:
        return None
    try:
        found = section(root.settings(), "corpus")
    except MlgateError:
        return None
    return str(found.get("text_column", "text")) if "path" in found else None
