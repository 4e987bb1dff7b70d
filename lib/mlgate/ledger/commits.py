"""What git knows: what a change edits, and whether the ledger goes on from the one that was committed."""

import subprocess

from mlgate.errors import MlgateError
from mlgate.ledger import ledger
from mlgate.root import Root

FOLDER = "artifacts_prod"
LEDGER = f"{FOLDER}/ledger.jsonl"
PROSE = (".md", ".rst")
NO_COMMIT = "0" * 40  # what GitHub names where there was no commit before a push


def git(root: Root, *arguments: str) -> str:
    """Return what git prints. Raises MlgateError with git's own words where it fails."""
    try:
        done = subprocess.run(["git", *arguments], cwd=root.path, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise MlgateError("There is no git on the PATH, and this command needs it. Install git.") from error
    if done.returncode:
        words = " ".join(done.stderr.decode(errors="replace").split()) or f"exit status {done.returncode}"
        raise MlgateError(f"git {arguments[0]} failed: {words}")
    return done.stdout.decode(errors="surrogateescape")


def changed_since(root: Root, base: str) -> list[str]:
    """Return the files changed from the merge base of `base` and HEAD to HEAD."""
    fork = git(root, "merge-base", base, "HEAD").strip()
    return git(root, "diff", "--name-only", "--no-renames", "--relative", "-z", fork, "HEAD").split("\0")[:-1]


def require_untouched(files: list[str], base: str) -> None:
    """Raise MlgateError where one of the changed files is in artifacts_prod/."""
    edited = [name for name in files if name.startswith(f"{FOLDER}/")]
    if edited:
        others = f" and {len(edited) - 1} more" if edited[1:] else ""
        raise MlgateError(
            f"This change edits {edited[0]}{others}, but only a verdict on main moves production. Take it back with:"
            f" git checkout $(git merge-base {base} HEAD) -- {FOLDER}"
            " (and to change the model, name another recipe under [candidate] in gate.toml)"
        )


def only_prose(files: list[str]) -> bool:
    """Whether these files hold words for people alone, so that nothing has to be trained."""
    return all(name.startswith("docs/") or name.endswith(PROSE) or name == "LICENSE" for name in files)


def require_continued(root: Root, commit: str) -> None:
    """Raise MlgateError where the ledger does not go on from the one in a commit: a line less gives a look back.

    Nothing is asked where there is no ledger at hand or none in the commit (a start with data of one's own deletes
    artifacts_prod/), and where the commit's ledger was not sound (then this one repairs it).
    """
    if commit == NO_COMMIT or not root.ledger.is_file():
        return
    committed = ledger_in(root, commit)
    if not committed or root.ledger.read_bytes().startswith(committed):
        return
    try:
        count = len(ledger.parse(committed, LEDGER))
    except MlgateError:
        return
    raise MlgateError(
        f"{root.ledger} does not go on from the {count} lines that it has in commit {commit[:12]}. It is only ever"
        f" added to: bring it back with git checkout {commit[:12]} -- {FOLDER}. (To start again with data of your own,"
        f" delete {FOLDER}/ and commit that first.)"
    )


def require_remembered(root: Root) -> None:
    """Raise MlgateError where the ledger is shorter than in the last commit, wherever there is a git and a commit."""
    try:
        git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    except MlgateError:
        return
    require_continued(root, "HEAD")


def ledger_in(root: Root, commit: str) -> bytes:
    """Return the ledger's bytes in a commit; none where it has no ledger."""
    try:
        listed = git(root, "ls-tree", "--name-only", commit, f"./{LEDGER}")
    except MlgateError as error:
        raise MlgateError(
            f"Git has no commit {commit[:12]} here, so nobody can say whether the ledger was shortened: the branch was"
            " rewritten, or the checkout is shallow (it needs fetch-depth: 0). Compare the ledger with an older clone;"
            " the next push is compared with this one."
        ) from error
    if not listed:
        return b""
    return git(root, "show", f"{commit}:./{LEDGER}").encode(errors="surrogateescape")
