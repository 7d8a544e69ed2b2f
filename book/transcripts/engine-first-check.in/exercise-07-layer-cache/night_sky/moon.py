"""How old the moon is, and how much of it is lit."""

import math
from datetime import date, datetime, timedelta, timezone

# A new moon that the club has written down, and the days from one to the next.
NEW_MOON = datetime(2000, 1, 6, 18, 14, tzinfo=timezone.utc)
MONTH = timedelta(days=29.530588853)

PHASES = [
    "new moon",
    "waxing crescent",
    "first quarter",
    "waxing gibbous",
    "full moon",
    "waning gibbous",
    "last quarter",
    "waning crescent",
]


def part_of_month(day: date) -> float:
    """How far the moon has come on that evening: 0 is new, 0.5 is full."""
    evening = datetime(day.year, day.month, day.day, 21, tzinfo=timezone.utc)
    return (evening - NEW_MOON) / MONTH % 1


def moon_on(day: date) -> dict:
    part = part_of_month(day)
    lit = (1 - math.cos(2 * math.pi * part)) / 2
    phase = PHASES[round(part * len(PHASES)) % len(PHASES)]
    return {"day": day.isoformat(), "phase": phase, "lit_percent": round(lit * 100)}
