"""Writers of the audio stage's data directory, in ESPnet's layout."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from hamzaban.audio.format_options import FormatOptions
from hamzaban.data.files import Pair, list_files, read_scp
from hamzaban.data.write import DirWriter

AUDIO_FILES = ("wav.scp", "segments", "feats.scp", "vad.scp", "cmvn.scp")
LENGTH_FILES = ("utt2num_samples", "utt2num_frames", "utt2max_frames", "utt2dur")
NOISE_FILE = "utt2noise"  # lines `utt_id noise snr_db response`, with - for none
REMADE = frozenset((*AUDIO_FILES, *LENGTH_FILES, "utt2spk", "spk2utt"))


def check_ids(data_dir: Path, utt_ids: set[str]) -> set[str]:
    """Check that utt2spk, and text if there is one, have exactly the given utterances.

    Args:
        data_dir: The directory read.
        utt_ids: The utterances of wav.scp or segments.

    Returns:
        The utterances whose text is empty.

    Raises:
        FileNotFoundError: There is no utt2spk.
        ValueError: An id is missing on either side.
    """
    empty = set()
    for name in ("utt2spk", "text"):
        if name not in list_files(data_dir):
            continue
        seen = 0
        for number, (utt_id, rest) in enumerate(read_scp(data_dir / name), 1):
            seen += 1
            if utt_id not in utt_ids:
                raise ValueError(
                    f"{data_dir / name}:{number}: utt_id {utt_id} has no audio in "
                    "wav.scp or segments; add its recording or remove the line"
                )
            if not rest and name == "text":
                empty.add(utt_id)
        if seen != len(utt_ids):
            named = {utt_id for utt_id, _ in read_scp(data_dir / name)}
            lacking = min(utt_ids - named, default="(some id occurs twice)")
            raise ValueError(
                f"{data_dir / name}: {seen} lines, expected {len(utt_ids)}: utt_id "
                f"{lacking}; run `hamzaban validate-data {data_dir}`"
            )
    return empty


def write_data_dir(
    data_dir: Path,
    out_dir: Path,
    options: FormatOptions,
    kept: dict[str, tuple[str, int]],
    provenance: Iterable[Pair] = (),
) -> None:
    """Write all files of the output directory except its audio.

    Files keyed by utterance or speaker are copied, with an id for each variant.

    Args:
        data_dir: The directory read.
        out_dir: The directory to write.
        options: Speeds and format.
        kept: Path and number of samples of each utterance written.
        provenance: Lines of utt2noise.
    """
    with DirWriter(out_dir) as writer:
        for key in sorted(kept):
            path, num_samples = kept[key]
            writer.open("wav.scp").write(key, path)
            writer.open("utt2num_samples").write(key, str(num_samples))
        for key, added in provenance:
            writer.open(NOISE_FILE).write(key, added)
        speakers = set()
        for key, spk_id in _in_each_variant(data_dir / "utt2spk", options, values=True):
            if key in kept:
                writer.open("utt2spk").write(key, spk_id)
                speakers.add(spk_id)
        for name, kind in list_files(data_dir).items():
            wanted = {"utt": kept, "spk": speakers}.get(kind)
            is_remade = name in REMADE or (options.noise and name == NOISE_FILE)
            if wanted is None or is_remade:
                continue
            for key, rest in _in_each_variant(data_dir / name, options):
                if key in wanted:
                    writer.open(name).write(key, rest)
        writer.write_value("feats_type", "raw")
        writer.write_value("audio_format", options.audio_format)


def _in_each_variant(
    path: Path, options: FormatOptions, *, values: bool = False
) -> Iterator[Pair]:
    """Yield the lines of a file once per variant, with its prefix added to the key."""
    for variant in options.variants:
        for key, rest in read_scp(path):
            yield variant.prefix + key, variant.prefix + rest if values else rest
