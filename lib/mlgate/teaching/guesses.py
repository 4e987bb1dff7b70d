"""What the notebooks say back to a learner."""

CLOSE = 0.02  # a guess this near to the truth, in parts of it, is right


def answer(guess: float | str | None, truth: float | str, what: str, name: str = "GUESS") -> str:
    """Return one line that answers a guess: set or not, right or wrong.

    truth: a word, a whole number, or (as a float from 0 to 1) a share. A share may be guessed as people write it: 0.85,
    85, "85 %", "0,85". name: the variable that holds the guess.
    """
    if guess is None:
        again = f"Set {name} above and run again: a result you guessed first is one you remember."
        return f"{what}: {_shown(truth)}. ({again})"
    said = f"{what}: {_shown(truth)}. You guessed {guess}"
    if isinstance(truth, str):
        if str(guess).strip().casefold() == truth.casefold():
            return f"{said}: right!"
        return f"{said}: not this time."
    number = _number(str(guess), whole=isinstance(truth, int))
    if number is None:
        return f"{said}, which is no number: write one, such as {_example(truth)}."
    if isinstance(truth, float) and number > 1:
        number /= 100
    off = abs(number - truth)
    if off <= CLOSE * abs(truth) or (isinstance(truth, float) and off < 0.005):
        return f"{said}: right!"
    if isinstance(truth, float):
        return f"{said}: off by {100 * off:.2g} points."
    return f"{said}: off by {off:,.6g}."


def _number(text: str, whole: bool) -> float | None:
    """Return the number that somebody wrote; None where it is none. A comma parts thousands, or stands for a point."""
    text = text.replace(" ", "").replace(",", "" if whole else ".")
    percent = text.endswith("%")
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        return None
    if percent:
        return number / 100
    return number


def _shown(truth: float | str) -> str:
    if isinstance(truth, str):
        return truth
    if isinstance(truth, int):
        return f"{truth:,}"
    if truth < 0.0001:
        return "less than 0.01 %"
    return f"{100 * truth:.3g} %"


def _example(truth: float) -> str:
    if isinstance(truth, float):
        return "85 %"
    return "1000"
