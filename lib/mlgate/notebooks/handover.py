"""What a notebook hands on to those after it: in its kernel's messages, not in a file, which anybody might write."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgate.notebooks.sources import Parameters

if TYPE_CHECKING:
    from nbformat import NotebookNode

KIND = "application/vnd.mlgate.parameters+json"


@dataclass(frozen=True)
class HandedOn:
    """Parameters for the notebooks that come next. As the result of a cell they reach whoever runs the notebook."""

    parameters: Parameters

    def __repr__(self) -> str:
        shown = ", ".join(f"{name} = {value!r}" for name, value in self.parameters.items())
        return f"To the next notebooks: {shown}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, object]:
        return {KIND: self.parameters, "text/plain": repr(self)}


def hand_on(**parameters: object) -> HandedOn:
    """Return what hands parameters on to the notebooks after this one that declare them. Call it last in a cell.

    `mlgate run` fills them in; in a notebook that is run by itself they are only shown.
    """
    return HandedOn(parameters)


def handed_on(notebook: "NotebookNode") -> Parameters:
    """Return what a notebook that was executed hands on; what it said last holds."""
    found: Parameters = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            found |= output.get("data", {}).get(KIND, {})
    return found
