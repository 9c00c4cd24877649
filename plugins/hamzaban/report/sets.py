"""Statistics of the sets of utterances that an experiment used."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hamzaban.data.files import read_scp


@dataclass(frozen=True)
class SetStatistics:
    """What a data directory holds.

    Attributes:
        name: The directory.
        roles: What it was used for, such as `train`.
        num_utterances: Utterances.
        num_speakers: Speakers.
        hours: Hours of audio; None where no file says it.
        mean_s: Mean duration in seconds; None likewise.
        num_words: Words of the transcripts; None without transcripts.
        num_types: Different words; None likewise.
    """

    name: str
    roles: str
    num_utterances: int
    num_speakers: int
    hours: float | None
    mean_s: float | None
    num_words: int | None
    num_types: int | None


def describe_set(data_dir: str | Path, roles: Iterable[str], fs: int) -> SetStatistics:
    """Count what a data directory holds.

    Args:
        data_dir: The directory.
        roles: What it was used for.
        fs: Sampling rate in Hz, to which utt2num_samples refers.
    """
    data_dir = Path(data_dir)
    utt2spk = dict(read_scp(data_dir / "utt2spk"))
    duration_s = None
    if (data_dir / "utt2num_samples").is_file():
        pairs = read_scp(data_dir / "utt2num_samples")
        duration_s = sum(int(samples) for _, samples in pairs) / fs
    words: list[str] | None = None
    if (data_dir / "text").is_file():
        words = [w for _, text in read_scp(data_dir / "text") for w in text.split()]
    return SetStatistics(
        str(data_dir),
        ", ".join(dict.fromkeys(roles)),
        len(utt2spk),
        len(set(utt2spk.values())),
        None if duration_s is None else duration_s / 3600,
        None if duration_s is None else duration_s / max(1, len(utt2spk)),
        None if words is None else len(words),
        None if words is None else len(set(words)),
    )
