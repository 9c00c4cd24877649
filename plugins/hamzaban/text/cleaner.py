"""Normalizers by the names of cleaners, as in `cleaner: hamzaban/fa/train`."""

from collections.abc import Callable

from hamzaban.text.normalizer import Normalizer, get_normalizer

PREFIX = "hamzaban/"


def parse_options(text: str) -> dict[str, str]:
    """Read a normalizer's options as a command line gives them.

    Args:
        text: Options such as `numbers=words,affix=join`; may be empty.

    Raises:
        ValueError: A part is not `name=value`, or a name occurs twice.
    """
    options: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        name, is_pair, value = (word.strip() for word in part.partition("="))
        if not (name and is_pair and value) or name in options:
            raise ValueError(
                f"options '{text}': '{part}' found, expected name=value, each name "
                "once, such as numbers=words,affix=join"
            )
        options[name] = value
    return options


def find_normalizer(cleaner: str) -> Normalizer:
    """Return the normalizer that a cleaner's name stands for.

    Args:
        cleaner: `hamzaban/<lang>/<profile>`, then perhaps `/<name>=<value>,...`.

    Raises:
        ValueError: The name has another form, or a part of it is unknown.
    """
    parts = cleaner.removeprefix(PREFIX).split("/")
    if not cleaner.startswith(PREFIX) or not 2 <= len(parts) <= 3 or "" in parts:
        raise ValueError(
            f"cleaner '{cleaner}' is unknown; expected {PREFIX}<lang>/<profile>, such "
            f"as {PREFIX}fa/train, or {PREFIX}fa/train/numbers=words"
        )
    options = parse_options("".join(parts[2:]))
    return get_normalizer(parts[0], parts[1], tuple(sorted(options.items())))


def find_cleaner(cleaner: str | None) -> Callable[[str], str]:
    """Return the function of a cleaner; `none` or an empty name changes nothing.

    Raises:
        ValueError: As for `find_normalizer`.
    """
    if not cleaner or cleaner.lower() in ("none", "nil", "null"):
        return str
    return find_normalizer(cleaner).normalize
