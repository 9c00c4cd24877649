"""Read the names of columns of times, and their values in seconds."""

import math
import re

UNITS = ("s", "ms")
_SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond"), 1e-3),
    **dict.fromkeys(("milliseconds",), 1e-3),
    **dict.fromkeys(("us", "usec", "microsecond", "microseconds"), 1e-6),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
}
_COUNTS = ("sample", "samples", "frame", "frames", "byte", "bytes")
_UNIT = "|".join(sorted((*_SECONDS, *_COUNTS), key=len, reverse=True))
_WHAT = {
    **dict.fromkeys(("start", "begin", "onset", "offset"), "start"),
    **dict.fromkeys(("end", "stop"), "end"),
    **dict.fromkeys(("duration", "dur", "length"), "duration"),
}
_NAME = re.compile(
    r"(?:(?:segment|seg|utt|utterance|clip|audio|speech|time)_)?"
    rf"(?P<what>{'|'.join(_WHAT)})(?:_?(?:time|times|timestamp|offset|at))?"
    rf"(?:_(?:in_)?(?P<unit>{_UNIT}))?"
)
_ANY_UNIT = re.compile(rf".*_({_UNIT})")
_VALUE = re.compile(rf"([+-]?[\d.]+(?:e[+-]?\d+)?)\s*({'|'.join(_SECONDS)})", re.I)
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{1,2}(?:[.,]\d+)?)")


def read_time_name(plain: str) -> tuple[str, str] | None:
    """Return what a column of times holds, and its unit.

    Args:
        plain: The name in small letters, with _ between words.

    Returns:
        start, end or duration, and the unit as it is written, "" for none; None for a
        column of something else.
    """
    found = _NAME.fullmatch(plain)
    if found is None or (found["what"] == "length" and not found["unit"]):
        return None  # a length without unit may be that of the text
    return _WHAT[found["what"]], found["unit"] or ""


def is_count(unit: str) -> bool:
    """Return whether a unit counts samples or the like, which are not times."""
    return unit in _COUNTS


def unit_of(plain: str) -> str:
    """Return the unit at the end of a column's name, "" for none."""
    found = _ANY_UNIT.fullmatch(plain)
    return found[1] if found else ""


def read_seconds(text: str, unit: str, what: str, place: str) -> float | None:
    """Read a time: a number in some unit, or hours, minutes and seconds with colons.

    Args:
        text: The value of a column.
        unit: The unit of the column, "" for seconds; a unit beside the number wins.
        what: Name of the value, for the message.
        place: File and line of the value.

    Returns:
        Seconds; None for an empty value.

    Raises:
        ValueError: It is not a finite number.
    """
    text = text.strip()
    if not text:
        return None
    if clock := _CLOCK.fullmatch(text):
        hours, minutes, seconds = clock[1] or 0, clock[2], clock[3].replace(",", ".")
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    number = text
    if with_unit := _VALUE.fullmatch(text):
        number, unit = with_unit[1], with_unit[2].lower()
    try:
        value = float(number) * _SECONDS[unit or "s"]
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(
            f"{place}: {what} is '{text}', expected a number or a time such as "
            "0:01:02.5; correct it or rename the column"
        )
    return value
