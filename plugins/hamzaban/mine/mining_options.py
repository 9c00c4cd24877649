"""Options of mining: the values of conf/mine.yaml."""

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path

from hamzaban.config import option, read_dataclass

OUTPUTS = ("flac", "segments")
BEST = "best"
MIX = "mix"
NOT_IN_DIGEST = frozenset(
    {"suffixes", "find_duplicates", "max_duplicate_share", "max_bit_errors"}
)


def _simplify(values: object) -> object:
    """Return words of a list in lower case, without the dot of a suffix."""
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        return values
    return [value.lower().lstrip(".") for value in values]


@dataclass(frozen=True, kw_only=True)
class MineOptions:
    """The values of conf/mine.yaml, which describes them; names have units."""

    fs: int
    suffixes: tuple[str, ...] = option(convert=_simplify)
    audio_stream: str | int = option(choices=(BEST,), at_least=0)
    channel: str | int = option(MIX, choices=(MIX,), at_least=0)
    part_s: float = option(above=0)
    output: str = option(choices=OUTPUTS)
    threshold: float = option(at_least=0, at_most=1)
    end_threshold: float = option(at_least=0, at_most=1)
    min_speech_s: float = option(at_least=0)
    min_pause_s: float = option(at_least=0)
    pad_s: float = option(at_least=0)
    min_duration_s: float = option(above=0)
    max_duration_s: float
    min_speech_ratio: float = option(at_least=0, at_most=1)
    join_pause_s: float = option(above=0)
    min_level_db: float
    max_clipping: float = option(at_least=0, at_most=1)
    clip_level: float = option(above=0)
    find_duplicates: bool
    max_duplicate_share: float = option(at_least=0, at_most=1)
    max_bit_errors: float = option(at_least=0, at_most=1)
    language: str | None
    language_filter: str | None
    languages: tuple[str, ...] = option(convert=_simplify)
    min_language_score: float

    def __post_init__(self) -> None:
        """Check the values against each other.

        Raises:
            ValueError: Two values contradict each other.
        """

        def require(is_right: bool, name: str, expected: str) -> None:
            if not is_right:
                value = getattr(self, name)
                raise ValueError(f"{name}: {value} found, expected {expected}")

        require(self.fs == 16000, "fs", "16000, the rate of the weights of Silero VAD")
        if not self.writes_audio:
            expected = f"{BEST}: `output: segments` needs it"
            require(self.audio_stream == BEST, "audio_stream", expected)
        require(self.end_threshold <= self.threshold, "end_threshold", "<= threshold")
        is_right = self.max_duration_s >= 2 * self.min_duration_s
        require(is_right, "max_duration_s", "2 * min_duration_s or more")
        low = 4 * self.max_duration_s
        require(self.part_s >= low, "part_s", f"4 * max_duration_s ({low:g}) or more")
        hook = self.language_filter
        require(hook is None or ":" in hook, "language_filter", "module:function")
        if hook is None:
            require(not self.languages, "languages", "none without language_filter")

    @property
    def writes_audio(self) -> bool:
        """Return whether chunks are written as separate files."""
        return self.output == "flac"

    @property
    def channel_number(self) -> int | None:
        """The channel to take, from 0; None mixes all."""
        return None if isinstance(self.channel, str) else self.channel

    def digest(self) -> str:
        """Return a digest of the values that decide the chunks, 16 hexadecimal
        digits."""
        names = [field.name for field in fields(self)]
        values = [(name, getattr(self, name)) for name in names]
        if self.channel == MIX:  # keeps the digests from before this option
            values.remove(("channel", MIX))
        kept = repr([pair for pair in values if pair[0] not in NOT_IN_DIGEST])
        return hashlib.blake2b(kept.encode(), digest_size=8).hexdigest()


def read_options(path: str | Path) -> MineOptions:
    """Read a config that has, with its bases, the values of conf/mine.yaml.

    Raises:
        FileNotFoundError: The config or a base is missing.
        ValueError: A value is missing, unknown, of the wrong type or out of range.
    """
    return read_dataclass(MineOptions, Path(path), see="conf/mine.yaml")
