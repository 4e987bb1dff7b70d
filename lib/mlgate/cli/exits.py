"""The exit status of each command in words, for --help; docs/EXIT_CODES.md says the same, and a test says so."""

ALWAYS = {1: "an error, told in one line", 2: "wrong usage"}
OWN = {
    "judge": {0: "PROMOTE", 3: "HOLD", 4: "REJECT (worse, or unusable: verdict.json says which)"},
    "run": {0: "decided", 3: "HOLD, with --fail-on hold", 4: "REJECT, with --fail-on reject or hold"},
    "label": {0: "done; of `verdict`: PROMOTE", 3: "of `verdict`: HOLD", 4: "of `verdict`: REJECT"},
    "watch": {0: "quiet", 3: "moved, or harm is estimated", 4: "harm is proven"},
    "record": {0: "recorded", 5: "given back: production moved meanwhile"},
    "mlflow": {
        0: "PROMOTE, and the alias is moved",
        3: "HOLD",
        4: "REJECT",
        5: "the champion changed meanwhile",
    },
    "selftest": {0: "no problem found", 1: "a problem, or an error"},
}


def epilog(command: str) -> str:
    """Return the line under a command's --help."""
    known = {0: "done", **ALWAYS, **OWN.get(command, {})}
    return "exit status: " + "; ".join(f"{status} {words}" for status, words in sorted(known.items()))
