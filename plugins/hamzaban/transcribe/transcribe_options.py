"""Options of transcription: where speech is cut, and the size of batches."""

from __future__ import annotations

import dataclasses

from hamzaban.config import check_options, option
from hamzaban.mine.mining_options import MIX, MineOptions

FS = 16000  # Hz, the rate of the weights of Silero VAD


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranscribeOptions:
    """How a recording is cut into pieces for the model.

    Attributes:
        channel: `mix`, or the number of a channel from 0.
        threshold: Speech begins at a frame (32 ms) with at least this probability.
        end_threshold: Speech ends below this probability; at most `threshold` is used.
        min_speech_s: Shorter speech is ignored.
        min_pause_s: Shorter pauses count as speech.
        pad_s: Audio before and after speech that the model hears, too; at most half of
            `min_pause_s` is used.
        max_duration_s: Longest piece without its padding; longer speech is cut where it
            is least likely.
        overlap_s: Audio on each side of a cut in speech that both pieces hear.
        batch_bins: Most samples in a batch, padding included.
    """

    channel: str | int = option(MIX, choices=(MIX,), at_least=0)
    threshold: float = option(0.5, at_least=0, at_most=1)
    end_threshold: float = option(0.35, at_least=0, at_most=1)
    min_speech_s: float = option(0.1, at_least=0)
    min_pause_s: float = option(0.3, above=0)
    pad_s: float = option(0.05, at_least=0)
    max_duration_s: float = option(20.0, at_least=4, at_most=120)
    overlap_s: float = option(0.8, at_least=0.2, at_most=1)
    batch_bins: int = option(640_000, at_least=1)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: One is out of range.
        """
        check_options(self, "--")

    @property
    def channel_number(self) -> int | None:
        """Return the channel to use, from 0; None mixes all."""
        return None if isinstance(self.channel, str) else self.channel


def region_options(
    options: TranscribeOptions, *, suffixes: tuple[str, ...] = ()
) -> MineOptions:
    """Return these options in the form that the speech detection of mining takes.

    Only its voice activity is used: no speech is dropped for being short or rare.
    """
    longest = options.max_duration_s
    return MineOptions(
        fs=FS,
        suffixes=suffixes,
        audio_stream="best",
        channel=options.channel,
        part_s=4 * longest,
        output="flac",
        threshold=options.threshold,
        end_threshold=min(options.end_threshold, options.threshold),
        min_speech_s=options.min_speech_s,
        min_pause_s=options.min_pause_s,
        pad_s=0.0,
        min_duration_s=longest / 4,
        max_duration_s=longest,
        min_speech_ratio=0.0,
        join_pause_s=1.0,
        min_level_db=-120.0,
        max_clipping=1.0,
        clip_level=1.0,
        find_duplicates=False,
        max_duplicate_share=1.0,
        max_bit_errors=0.0,
        language=None,
        language_filter=None,
        languages=(),
        min_language_score=0.0,
    )
