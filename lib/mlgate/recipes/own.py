"""Recipes of somebody's own: a file recipes.py beside gate.toml, which registers them as the built-in ones are."""

import hashlib
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from mlgate.errors import MlgateError
from mlgate.recipes.recipes import RECIPES, Recipe, registered_in
from mlgate.root import Root, read_file, reason_of

BUILT_IN = tuple(RECIPES)
_read: dict[str, dict[str, Recipe]] = {}  # the recipes of each file that this process ran, by place and content


def recipes_of(root: Root | None = None) -> dict[str, Recipe]:
    """Return the built-in recipes and, after them, those in the root's own recipes.py.

    The file is run, once for each content. Raises MlgateError where that fails, or a name is taken already.
    """
    if root is None or not root.recipes.is_file():
        return dict(RECIPES)
    try:
        code = read_file(root.recipes)
    except OSError as error:
        raise MlgateError(f"{root.recipes} cannot be read: {reason_of(error)}.") from error
    name = "mlgate_own_recipes_" + hashlib.sha256(str(root.recipes).encode() + b"\0" + code).hexdigest()[:16]
    if name not in _read:
        _read[name] = _run(name, root.recipes, code)
    return {**RECIPES, **_read[name]}


def _run(name: str, path: Path, code: bytes) -> dict[str, Recipe]:
    """Run the file as a module of that name, and return what it registered."""
    module = ModuleType(name)
    module.__file__ = str(path)
    module.__spec__ = ModuleSpec(name, None, origin=str(path))
    sys.modules[name] = module  # where the cache finds the code that a recipe comes from
    try:
        with registered_in({}) as found:
            exec(compile(code, str(path), "exec"), vars(module))
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        said = f"{type(error).__name__}: {error}"
        raise MlgateError(f"{path} fails with {said:.300}. Mend it: it stands beside gate.toml.") from error
    for taken in set(found) & set(BUILT_IN):
        raise MlgateError(f"{path}: there is a built-in recipe {taken!r} already. Give yours another name.")
    return found


def named(name: str, root: Root | None = None) -> Recipe:
    """Return the recipe of that name, built in or the root's own. Raises MlgateError naming those there are."""
    known = recipes_of(root)
    if name not in known:
        raise MlgateError(f"There is no recipe {name!r:.80}. There are: {', '.join(known)}.")
    return known[name]
