"""Change the transcripts of a data directory, and keep its other files in step."""

import logging
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hamzaban.data.files import Pair, list_files, read_scp
from hamzaban.data.ops import Rename, distribute
from hamzaban.data.select import LEFT_OUT
from hamzaban.text.marks import MarkCounts, read_marks

MAX_SHOWN = 20

Change = Callable[[str], str | None]
ChangeUtt = Callable[[str, str], str | None]


@dataclass(frozen=True)
class _NewText(Rename):
    """Changes the lines of `text` and no ids."""

    change: ChangeUtt = lambda utt_id, text: text

    def __post_init__(self) -> None:
        """Skip the check of new ids, since ids do not change."""

    def line(self, name: str, kind: str, pair: Pair) -> Pair:
        """Return the new line of a file."""
        if name != "text":
            return pair
        changed = self.change(*pair)
        assert changed is not None  # such utterances were left out before
        return pair[0], changed


@dataclass
class Rewritten:
    """The result of `rewrite_utts`.

    Attributes:
        num_utts: Utterances read.
        num_changed: Utterances whose transcript changed.
        left_out: Ids of the utterances left out.
    """

    num_utts: int = 0
    num_changed: int = 0
    left_out: list[str] = field(default_factory=list)


def find_text(path: str | Path) -> Path:
    """Return the `text` of a data directory, or the file itself.

    Raises:
        FileNotFoundError: There is no such file.
    """
    path = Path(path)
    text = path / "text" if path.is_dir() else path
    if not text.is_file():
        raise FileNotFoundError(
            f"{text}: no such file; expected a data directory with text, or a file of "
            "lines `utt_id transcript`"
        )
    return text


def read_transcripts(path: str | Path) -> Iterator[tuple[int, str, str]]:
    """Read line number, utterance id and transcript of a Kaldi `text` file.

    Raises:
        ValueError: A line is blank, or is not UTF-8.
    """
    for number, (utt_id, text) in enumerate(read_scp(path), 1):
        yield number, utt_id, text


def count_marks(path: Path, policy: str) -> MarkCounts:
    """Count the marks in a Kaldi `text` file and log them.

    Raises:
        ValueError: The policy refuses one (see `hamzaban.text.marks.read_marks`).
    """
    counts = MarkCounts()
    for number, utt_id, text in read_transcripts(path):
        place = f"{path}:{number}: {utt_id}"
        counts.add(read_marks(text, policy, place).marks, place)
    for line in counts.describe():
        logging.info("%s: %s", path, line)
    return counts


def rewrite_dir(
    source: str | Path, target: str | Path, change: Change, *, max_drop: float
) -> Rewritten:
    """Write a data directory with changed transcripts, as `rewrite_utts` does."""
    return rewrite_utts(
        source, target, lambda utt_id, text: change(text), max_drop=max_drop
    )


def rewrite_utts(
    source: str | Path, target: str | Path, change: ChangeUtt, *, max_drop: float
) -> Rewritten:
    """Write a data directory with changed transcripts.

    Args:
        source: A data directory with `text`.
        target: Directory to write all data files to; may be `source`.
        change: Function of an utterance id and the old transcript that returns the new
            one. It must be deterministic. None or "" leaves the utterance out.
        max_drop: Highest share of utterances, 0..1, that may be left out.

    Raises:
        FileNotFoundError: There is no `text`.
        ValueError: Too much would be left out, or files differ in their ids.
    """
    source = Path(source)
    list_files(source)
    done, parts = Rewritten(), array("i")
    for _, utt_id, text in read_transcripts(find_text(source)):
        changed = change(utt_id, text)
        done.num_utts += 1
        done.num_changed += changed != text
        parts.append(0 if changed else LEFT_OUT)
        if not changed:
            done.left_out.append(utt_id)
    _check_left_out(done, source, max_drop)
    num_speakers = sum(1 for _ in read_scp(source / "utt2spk"))
    if num_speakers != done.num_utts:
        raise ValueError(
            f"{source}: text has {done.num_utts} utterances, utt2spk {num_speakers}; "
            f"expected the same: see `hamzaban validate-data {source}`"
        )
    distribute(source, parts, {0: target}, _NewText(change=change))
    return done


def _check_left_out(done: Rewritten, source: Path, max_drop: float) -> None:
    num, ids = len(done.left_out), done.left_out
    if not num:
        return
    shown = " ".join(ids[:MAX_SHOWN]) + " ..." * (num > MAX_SHOWN)
    if num > max_drop * done.num_utts:
        raise ValueError(
            f"{source}/text: {num} of {done.num_utts} utterances would be left without "
            f"transcript: {shown}; at most {max_drop:.1%} may be: correct the text, or "
            "raise --max_drop"
        )
    logging.warning(
        "%s: %d of %d utterances left out, no transcript remains: %s",
        source,
        num,
        done.num_utts,
        shown,
    )
