"""Write the shapes of utterances and transcripts that ESPnet's batches need.

This needs no ESPnet.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hamzaban.data.files import read_scp
from hamzaban.fileio import atomic_text
from hamzaban.text.tokens import Tokenizer
from hamzaban.wav2vec2.frames import count_ctc_frames, count_frames

MAX_SHOWN = 20
CHUNK = 1000  # transcripts that are tokenized at once


@dataclasses.dataclass
class Stats:
    """The utterances and tokens that `collect` counted.

    Attributes:
        num_utts: Utterances seen.
        kept: (utterance id, samples, tokens) of those that can be trained on.
        dropped: Utterance ids left out, by reason.
        unknown: Ids of the utterances with characters outside the vocabulary, by
            character.
        num_tokens: Tokens of the utterances kept.
        num_unknown: Number of these tokens that are unknown.
    """

    num_utts: int = 0
    kept: list[tuple[str, int, int]] = dataclasses.field(default_factory=list)
    dropped: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    unknown: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    num_tokens: int = 0
    num_unknown: int = 0


def collect(
    data_dir: str | Path,
    tokenizer: Tokenizer,
    output_dir: str | Path,
    *,
    token_type: str,
    conv: Sequence[tuple[int, int]],
    max_drop: float = 0.05,
    clean: Callable[[str], str] = str,
) -> Stats:
    """Write `speech_shape` and `text_shape.<token_type>` of a data directory.

    Args:
        data_dir: Has `text` and `utt2num_samples`, both sorted by utterance.
        tokenizer: Converts a transcript to token ids.
        output_dir: Folder of the two files; it is made if missing.
        token_type: Ending of the second file's name.
        conv: (kernel, stride) of each layer of the frontend.
        max_drop: Highest share of utterances, 0..1, that may be left out: those with
            no transcript, and those with fewer frames than CTC needs.
        clean: Function applied to each transcript first, as in training.

    Raises:
        FileNotFoundError: A file of the data directory is missing.
        ValueError: The two files differ in their ids, or too much is dropped.
    """
    stats = scan(data_dir, tokenizer, conv, clean)
    _report(stats, data_dir)
    _check_dropped(stats, data_dir, max_drop)
    vocab = len(tokenizer.tokens)
    with atomic_text(Path(output_dir) / "speech_shape") as f:
        f.writelines(f"{utt_id} {samples}\n" for utt_id, samples, _ in stats.kept)
    with atomic_text(Path(output_dir) / f"text_shape.{token_type}") as f:
        f.writelines(f"{utt_id} {num},{vocab}\n" for utt_id, _, num in stats.kept)
    return stats


def scan(
    data_dir: str | Path,
    tokenizer: Tokenizer,
    conv: Sequence[tuple[int, int]],
    clean: Callable[[str], str] = str,
) -> Stats:
    """Count the samples and tokens of each utterance; see `collect`."""
    stats = Stats()
    known = tokenizer.characters()
    utts = _read_utterances(Path(data_dir), tokenizer, clean)
    for utt_id, num_samples, text, ids in utts:
        stats.num_utts += 1
        if reason := _check_alignment(count_frames(num_samples, conv), ids):
            stats.dropped.setdefault(reason, []).append(utt_id)
            continue
        stats.kept.append((utt_id, num_samples, len(ids)))
        stats.num_tokens += len(ids)
        stats.num_unknown += ids.count(tokenizer.unk_id)
        for char in sorted(set(text) - known):
            stats.unknown.setdefault(char, []).append(utt_id)
    return stats


def _read_utterances(
    data_dir: Path, tokenizer: Tokenizer, clean: Callable[[str], str]
) -> Iterator[tuple[str, int, str, list[int]]]:
    pairs = _pair(data_dir)
    while chunk := list(itertools.islice(pairs, CHUNK)):
        texts = [clean(text) for _, _, text in chunk]
        encoded = tokenizer.texts2ids(texts)
        for (utt_id, num_samples, _), text, ids in zip(
            chunk, texts, encoded, strict=True
        ):
            yield utt_id, num_samples, text, ids


def _pair(data_dir: Path) -> Iterator[tuple[str, int, str]]:
    samples_path, text_path = data_dir / "utt2num_samples", data_dir / "text"
    rows = itertools.zip_longest(read_scp(text_path), read_scp(samples_path))
    for text_row, samples_row in rows:
        if text_row is None or samples_row is None or text_row[0] != samples_row[0]:
            found = [row[0] if row else "the end" for row in (text_row, samples_row)]
            raise ValueError(
                f"{data_dir}: text has {found[0]} where utt2num_samples has "
                f"{found[1]}; the two must list the same utterances in one order: run "
                "`hamzaban validate-data` on it"
            )
        if not samples_row[1].isdecimal():
            raise ValueError(
                f"{samples_path}: {samples_row[0]}: {samples_row[1]!r} found, expected "
                "a number of samples; make it with `hamzaban format-audio`"
            )
        yield text_row[0], int(samples_row[1]), text_row[1]


def _check_alignment(frames: int, ids: Sequence[int]) -> str | None:
    if not ids:
        return "no transcript"
    if frames < count_ctc_frames(ids):
        return "fewer frames than CTC needs"
    return None


def _report(stats: Stats, data_dir: str | Path) -> None:
    for reason, utt_ids in sorted(stats.dropped.items()):
        logging.warning(
            "%s: %d of %d utterances left out, %s: %s",
            data_dir,
            len(utt_ids),
            stats.num_utts,
            reason,
            _shorten(utt_ids),
        )
    if stats.num_unknown:
        logging.warning(
            "%s: %d of %d tokens (%.2f %%) are unknown to the token list",
            data_dir,
            stats.num_unknown,
            stats.num_tokens,
            100 * stats.num_unknown / stats.num_tokens,
        )
    most = sorted(stats.unknown.items(), key=lambda item: (-len(item[1]), item[0]))
    for char, utt_ids in most[:MAX_SHOWN]:
        logging.warning(
            "%s: character U+%04X (%s) is unknown, in %d utterances: %s",
            data_dir,
            ord(char),
            char,
            len(utt_ids),
            _shorten(utt_ids),
        )
    if len(most) > MAX_SHOWN:
        logging.warning(
            "%s: %d more unknown characters", data_dir, len(most) - MAX_SHOWN
        )


def _check_dropped(stats: Stats, data_dir: str | Path, max_drop: float) -> None:
    num_dropped = sum(len(utt_ids) for utt_ids in stats.dropped.values())
    if stats.num_utts == num_dropped:
        raise ValueError(
            f"{data_dir}: none of {stats.num_utts} utterances can be trained on; "
            "expected transcripts and audio long enough for them"
        )
    if num_dropped > max_drop * stats.num_utts:
        reasons = "; ".join(
            f"{len(ids)} {reason} (first {ids[0]})"
            for reason, ids in sorted(stats.dropped.items())
        )
        raise ValueError(
            f"{data_dir}: {num_dropped} of {stats.num_utts} utterances left out: "
            f"{reasons}; at most {max_drop:.1%} may be: use longer tokens (--nbpe), "
            "correct the data, or raise --max_drop"
        )


def _shorten(utt_ids: Sequence[str]) -> str:
    more = f" and {len(utt_ids) - MAX_SHOWN} more" if len(utt_ids) > MAX_SHOWN else ""
    return " ".join(utt_ids[:MAX_SHOWN]) + more
