"""Read a user's corpus in the form of Kaldi data directories."""

import logging
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from hamzaban.data.files import Pair, find_lines, list_files, read_scp, sorted_pairs
from hamzaban.ingest.columns import SPLITS, Item

READ = ("utt2spk", "spk2utt", "text", "utt2lang", "segments", "wav.scp")


def list_data_dirs(path: Path) -> list[tuple[Path, str]]:
    """Return data directories, each with the split that its name gives, "" for none.

    Args:
        path: A data directory, or a folder of data directories train, valid and test.

    Raises:
        FileNotFoundError: A data directory has no utt2spk or no text.
    """
    found = [(path, "")] if (path / "wav.scp").is_file() else []
    for folder in [] if found else sorted(path.iterdir()):
        split = SPLITS.get(folder.name.lower())
        if split and (folder / "wav.scp").is_file():
            found.append((folder, split))
    for folder, _ in found:
        files = list_files(folder)
        if "text" not in files:
            raise FileNotFoundError(
                f"{folder}/text: no such file, expected the transcripts, a line "
                "`utt_id words` for each utterance"
            )
        if others := sorted(files.keys() - set(READ)):
            logging.info("%s: files not read: %s", folder, " ".join(others))
    return found


def read_kaldi(folder: Path, split: str) -> Iterator[Item]:
    """Read the utterances of a data directory, whatever the order of its files.

    Args:
        folder: The directory.
        split: The split of each item.

    Yields:
        An item for each line of utt2spk, with "" for a value in no file. If each
        utterance is its own speaker, the speaker is "", or the recording of a segment.

    Raises:
        ValueError: A line cannot be read, or its utterance is not in utt2spk.
    """
    has_speakers = any(utt != spk for utt, spk in read_scp(folder / "utt2spk"))
    recordings: Mapping[str, str] = {}
    audio = "wav.scp"
    if (folder / "segments").is_file():
        recordings, audio = dict(read_scp(folder / "wav.scp")), "segments"
    values = {name: _Values(folder, name) for name in ("text", "utt2lang", audio)}
    last = ""
    for utt_id, spk_id in sorted_pairs(read_scp(folder / "utt2spk")):
        if utt_id == last:
            first, second = find_lines(folder / "utt2spk", utt_id)[:2]
            raise ValueError(
                f"{folder}/utt2spk:{second}: utt_id {utt_id} occurs twice, first on "
                f"line {first}, expected each once; remove a line"
            )
        last = utt_id
        text, lang, rest = (found.take(utt_id) for found in values.values())
        item = Item(
            place=f"{folder}: utt_id {utt_id}",
            audio=rest,
            text=text,
            speaker=spk_id if has_speakers else "",
            split=split,
            utt_id=utt_id,
            lang=lang,
            keeps_id=True,
        )
        yield _cut(item, rest, recordings, folder) if recordings else item
    for found in values.values():
        found.finish()


def _cut(item: Item, rest: str, recordings: Mapping[str, str], folder: Path) -> Item:
    """Return the item with its segment, read from its line of `segments`."""
    if not rest:
        return item
    try:
        rec_id, begin, end = rest.split()
        span = float(begin), float(end)
        if not all(map(math.isfinite, span)):
            raise ValueError
    except ValueError:
        raise ValueError(
            f"{folder}/segments: {item.utt_id} is '{rest}', expected a recording, "
            "begin and end in seconds; correct the line"
        ) from None
    return item._replace(
        audio=recordings.get(rec_id, ""),
        speaker=item.speaker or rec_id,
        rec_id=rec_id,
        begin_s=span[0],
        end_s=span[1],
    )


class _Values:
    """The lines of a file, taken in the order of their ids."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / name
        pairs = read_scp(self.path) if self.path.is_file() else iter(())
        self._pairs = sorted_pairs(pairs)
        self._next: Pair | None = next(self._pairs, None)

    def take(self, utt_id: str) -> str:
        """Return the line of an id without the id; "" if there is none."""
        if self._next is None or self._next[0] > utt_id:
            return ""
        found, rest = self._next
        if found != utt_id:
            self.finish()
        self._next = next(self._pairs, None)
        return rest

    def finish(self) -> None:
        """Raise ValueError if a line is left."""
        if self._next is not None:
            key = self._next[0]
            first, *others = find_lines(self.path, key)
            if others:
                raise ValueError(
                    f"{self.path}:{others[0]}: utt_id {key} occurs twice, first "
                    f"on line {first}, expected each once; correct or remove the line"
                )
            raise ValueError(
                f"{self.path}:{first}: utt_id {key} is not in utt2spk, expected the "
                "same ids in both; add it there or remove the line"
            )
