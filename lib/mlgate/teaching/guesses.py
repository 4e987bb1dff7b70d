"""What the notebooks say back to a learner."""


def answer(guess: float | str | None, truth: float | str, what: str) -> str:
    """One line that answers a guess: set or not, right or wrong. Numbers are compared, words must be equal."""
    shown = f"{truth:,.6g}" if isinstance(truth, int | float) else truth
    if guess is None:
        return f"{what}: {shown}. (Set GUESS above and run again: a result you guessed first is one you remember.)"
    if isinstance(truth, str) or isinstance(guess, str):
        right = str(guess).strip().casefold() == str(truth).casefold()
        return f"{what}: {shown}. You guessed {guess}: {'right!' if right else 'not this time.'}"
    return f"{what}: {shown}. You guessed {guess:,.4g}: off by {abs(guess - truth):,.2g}."
