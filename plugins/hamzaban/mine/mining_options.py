"""What mining is asked for: the values of conf/mine.yaml."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from hamzaban.config import read_config

OUTPUTS = ("flac", "segments")
BEST = "best"
MIX = "mix"
NOT_IN_DIGEST = frozenset(
    {"suffixes", "find_duplicates", "max_duplicate_share", "max_bit_errors"}
)
_POSITIVE = ("part_s", "min_duration_s", "join_pause_s", "clip_level")
_SHARES = (
    "threshold",
    "end_threshold",
    "min_speech_ratio",
    "max_clipping",
    "max_duplicate_share",
    "max_bit_errors",
)
_NOT_NEGATIVE = ("min_speech_s", "min_pause_s", "pad_s")


@dataclass(frozen=True, kw_only=True)
class MineOptions:
    """The values of conf/mine.yaml, which says what each is; units are in names."""

    fs: int
    suffixes: tuple[str, ...]
    audio_stream: str | int
    channel: str | int
    part_s: float
    output: str
    threshold: float
    end_threshold: float
    min_speech_s: float
    min_pause_s: float
    pad_s: float
    min_duration_s: float
    max_duration_s: float
    min_speech_ratio: float
    join_pause_s: float
    min_level_db: float
    max_clipping: float
    clip_level: float
    find_duplicates: bool
    max_duplicate_share: float
    max_bit_errors: float
    language: str | None
    language_filter: str | None
    languages: tuple[str, ...]
    min_language_score: float

    @property
    def writes_audio(self) -> bool:
        """Whether chunks are written as files of their own."""
        return self.output == "flac"

    @property
    def channel_number(self) -> int | None:
        """The channel to take, from 0; None mixes all."""
        return None if isinstance(self.channel, str) else self.channel

    def digest(self) -> str:
        """Return 16 hexadecimal digits that change with what decides the chunks."""
        names = [field.name for field in fields(self)]
        values = [(name, getattr(self, name)) for name in names]
        if self.channel == MIX:  # as all was before there was a choice
            values.remove(("channel", MIX))
        kept = repr([pair for pair in values if pair[0] not in NOT_IN_DIGEST])
        return hashlib.blake2b(kept.encode(), digest_size=8).hexdigest()


def read_options(path: str | Path) -> MineOptions:
    """Read a config that holds, with its bases, all values of conf/mine.yaml.

    Raises:
        FileNotFoundError: The config or a base is missing.
        ValueError: A value is missing, unknown, of a wrong kind or out of its range.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such config; see conf/mine.yaml")
    values, _ = read_config(path)
    known = {field.name: field.type for field in fields(MineOptions)}
    for names, what in (
        (known.keys() - values, "lacks"),
        (values - known.keys(), "has"),
    ):
        if names:
            raise ValueError(
                f"{path}: {what} {', '.join(sorted(names))}; expected the names of "
                "conf/mine.yaml (`base:` takes over its values)"
            )
    options = MineOptions(**{name: _convert(path, name, values) for name in known})
    _check(path, options)
    return options


_KINDS: Mapping[Any, tuple[type, ...]] = {
    int: (int,),
    float: (int, float),
    str: (str,),
    bool: (bool,),
    str | int: (str, int),
    str | None: (str, type(None)),
}


def _convert(path: Path, name: str, values: Mapping[str, Any]) -> Any:
    """Return one value as its field wants it."""
    value = values[name]
    wanted = next(field.type for field in fields(MineOptions) if field.name == name)
    if wanted == tuple[str, ...]:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(item.lower().lstrip(".") for item in value)
        raise ValueError(f"{path}: {name} is {value!r}, expected a list of words")
    is_right = isinstance(value, _KINDS[wanted])
    if not is_right or (isinstance(value, bool) and wanted is not bool):
        kind = getattr(wanted, "__name__", wanted)
        raise ValueError(f"{path}: {name} is {value!r}, expected {kind}")
    return float(value) if wanted is float else value


def _check(path: Path, options: MineOptions) -> None:
    def require(is_right: bool, name: str, expected: str) -> None:
        if not is_right:
            value = getattr(options, name)
            raise ValueError(f"{path}: {name} is {value}, expected {expected}")

    require(options.fs == 16000, "fs", "16000, the rate of the weights of Silero VAD")
    require(options.output in OUTPUTS, "output", " or ".join(OUTPUTS))
    stream = options.audio_stream
    is_stream = stream == BEST if isinstance(stream, str) else stream >= 0
    require(is_stream, "audio_stream", f"{BEST} or a number from 0")
    channel = options.channel
    is_channel = channel == MIX if isinstance(channel, str) else channel >= 0
    require(is_channel, "channel", f"{MIX} or a number from 0")
    if not options.writes_audio:
        require(stream == BEST, "audio_stream", f"{BEST}: `output: segments` needs it")
    for name in _POSITIVE:
        require(getattr(options, name) > 0, name, "more than 0")
    for name in _SHARES:
        require(0 <= getattr(options, name) <= 1, name, "a number in 0..1")
    for name in _NOT_NEGATIVE:
        require(getattr(options, name) >= 0, name, "0 or more")
    require(options.end_threshold <= options.threshold, "end_threshold", "<= threshold")
    low = 2 * options.min_duration_s
    require(
        options.max_duration_s >= low, "max_duration_s", "2 * min_duration_s or more"
    )
    low = 4 * options.max_duration_s
    require(options.part_s >= low, "part_s", f"4 * max_duration_s ({low:g}) or more")
    hook = options.language_filter
    require(hook is None or ":" in hook, "language_filter", "module:function")
    if hook is None:
        require(not options.languages, "languages", "none without language_filter")
