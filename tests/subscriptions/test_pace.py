"""Symptom: a job that changed ten times a second was told of ever later, and then one change was left out. Cause: each
time that a turn was late by chance, all after it were, since turns came no faster than changes. Rule: what was late by
chance is made up for, and never more than ten turns come in nine tenths of a second."""

from __future__ import annotations

import random

from app.pace import Pace


def test_what_comes_ten_times_a_second_unevenly_is_soon_in_time_again() -> None:
    pace, chance = Pace(), random.Random(3)
    waits = []
    for number in range(600):
        late_s = 0.09 if number % 100 == 50 else chance.uniform(0, 0.02)
        now_s = 100 + number / 10 + late_s
        waits.append(pace.turn_s(now_s) - now_s)
    assert max(waits) < 0.05
    in_time = [wait for number, wait in enumerate(waits) if not 50 <= number % 100 < 70]
    assert max(in_time) < 0.001


def test_no_more_than_ten_turns_come_in_nine_tenths_of_a_second() -> None:
    pace, now_s = Pace(), 5.0
    turns: list[float] = []
    for number in range(200):
        turns.append(pace.turn_s(now_s))
        now_s = turns[-1] + (1.0 if number % 37 == 0 else 0.001)
    assert all(sum(start <= turn < start + 0.9 for turn in turns) <= 10 for start in turns)


def test_whoever_was_quiet_is_told_at_once() -> None:
    pace = Pace()
    assert [pace.turn_s(now_s) for now_s in (7.0, 9.0, 9.5)] == [7.0, 9.0, 9.5]
