"""What is said back to a guess fits what people type."""

from mlgate.teaching import guesses

import pytest


@pytest.mark.parametrize("guess", [0.85, 85, "85", "85 %", "85%", "0.85", "0,85", " 85,0 %", 0.8547])
def test_a_share_is_right_however_it_is_written(guess):
    assert guesses.answer(guess, 0.85, "Share").endswith("right!")


@pytest.mark.parametrize(("guess", "off"), [(0.5, "off by 35 points"), (50, "off by 35 points"), ("1 %", "84 points")])
def test_a_share_that_is_wrong_is_off_by_points(guess, off):
    assert off in guesses.answer(guess, 0.85, "Share")


@pytest.mark.parametrize("guess", [6181, "6181", "6,181", "6 181", 6200])
def test_a_number_near_enough_is_right(guess):
    assert guesses.answer(guess, 6_181, "Rows").endswith("right!")


def test_nothing_is_right_where_there_is_none():
    assert guesses.answer(0, 0, "Failures").endswith("right!")
    assert guesses.answer(3, 0, "Failures").endswith("off by 3.")


def test_a_chance_of_nearly_nothing_is_guessed_by_nothing():
    assert "less than 0.01 %" in guesses.answer(0, 2e-6, "Chance")
    assert guesses.answer(0, 2e-6, "Chance").endswith("right!")


def test_words_are_compared_as_words():
    assert guesses.answer(" promote", "PROMOTE", "Verdict").endswith("right!")
    assert guesses.answer("HOLD", "PROMOTE", "Verdict").endswith("not this time.")


def test_no_guess_is_asked_for_by_the_name_of_its_variable():
    assert "Set GUESS_ROWS above" in guesses.answer(None, 5, "Rows", "GUESS_ROWS")


def test_what_is_no_number_is_said_to_be_none():
    assert "no number: write one, such as 85 %" in guesses.answer("many", 0.5, "Share")
