"""Cron lines, for the settings with a schedule."""

from __future__ import annotations

from celery.schedules import ParseException, crontab

_CRON_FIELDS = (
    ("minute", "minute", "* or 0 to 59"),
    ("hour", "hour", "* or 0 to 23"),
    ("day of the month", "day_of_month", "* or 1 to 31"),
    ("month", "month_of_year", "* or 1 to 12"),
    ("day of the week", "day_of_week", "* or 0 (Sunday) to 6, or mon to sun"),
)
"""Each field of a cron line: its name, Celery's name for it, and its values."""


def cron(text: str) -> crontab:
    """Return a five-field cron line (UTC) as Celery's schedule. Raises ValueError if it is not one, or matches no date."""
    fields = text.split()
    if len(fields) != len(_CRON_FIELDS):
        raise ValueError(
            f"must have five fields (minute, hour, day of month, month, day of week); it has {len(fields)}"
        )
    for part, (name, option, values) in zip(fields, _CRON_FIELDS, strict=True):
        try:
            crontab(**{option: part})
        except (ParseException, ValueError):
            raise ValueError(f"its {name} must be {values}, or a range, list or step of these") from None
    try:
        return crontab.from_string(text)
    except ValueError as error:  # each field is valid by itself
        raise ValueError("matches no date") from error
