#!/usr/bin/env python3
"""Make two artificial languages from mini_ar, without common words.

The languages have different speakers in training. Recordings of the source's words are
joined into utterances with transcripts, those of the target's words into unlabelled
utterances and into labelled sets for scoring. `labelled_<target>` has the unlabelled
audio with its transcripts, for comparison. Each language has a random bigram grammar,
which chooses the words and generates the target's text. Each recording of a word is
used once. The same options give the same output.
"""

import argparse
import csv
import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import soundfile

from hamzaban.data.write import DirWriter, write_scp
from hamzaban.fileio import atomic_text

FS = 16_000
NUMBERS = frozenset(
    ("صفر", "واحد", "اثنان", "ثلاثة", "أربعة")
    + ("خمسة", "ستة", "سبعة", "ثمانية", "تسعة")
)
DIRECTIONS = frozenset(
    ("أسفل", "أعلى", "أمام", "خلف", "يسار", "يمين", "اتجاه", "رقم")
    + ("تحريك", "تدوير", "تصغير", "تكبير")
)
VOWEL_SIGNS = dict.fromkeys((0x064F, 0x0650))  # two of the words have one
PARTS = ("numbers", "commands", "even", "odd", "directions", "actions")
LIKELY = (6.0, 3.0, 2.0)  # weights of the three likely followers of a word
UNLIKELY = 0.15  # weight of any other follower
MIN_WORDS, MAX_WORDS = 3, 6  # in a sentence
TEXT_LINES = 3_000  # sentences in the target's text

Span = tuple[Path, int, int]  # recording of a word: file, first and last sample
Clips = dict[str, dict[str, list[Span]]]  # speaker -> word -> recordings


class Grammar:
    """Draw sentences: each word has three likely followers; others are rare."""

    def __init__(self, words: list[str], seed: str) -> None:
        """Choose the likely followers of each word."""
        rng = random.Random(f"grammar {seed}")
        self.words = words
        self.weights = {
            word: dict.fromkeys(words, UNLIKELY)
            | dict(zip(rng.sample(words, len(LIKELY)), LIKELY, strict=True))
            for word in words
        }

    def draw(self, rng: random.Random, left: Mapping[str, int] | None) -> list[str]:
        """Draw a sentence; with `left` (word -> count), only from the words left."""
        left = dict(left) if left is not None else {}
        sentence: list[str] = []
        for _ in range(rng.randint(MIN_WORDS, MAX_WORDS)):
            weights = self.weights[sentence[-1]] if sentence else {}
            found = [weights.get(w, 1.0) * left.get(w, 1) for w in self.words]
            if not any(found):
                break
            sentence += rng.choices(self.words, found)
            if sentence[-1] in left:
                left[sentence[-1]] -= 1
        return sentence


def choose_words(part: str, known: list[str]) -> list[str]:
    """Return the words of a part; even and odd refer to the order of `known`."""
    if part in ("even", "odd"):
        return known[PARTS.index(part) % 2 :: 2]
    if part in ("numbers", "directions"):
        chosen = NUMBERS if part == "numbers" else DIRECTIONS
        return [word for word in known if word in chosen]
    refused = NUMBERS if part == "commands" else NUMBERS | DIRECTIONS
    return [word for word in known if word not in refused]


def read_words(corpus: Path) -> dict[str, Clips]:
    """Return the positions of the words by set; train includes the unlabelled speech.

    Raises:
        SystemExit: The number of words is not that of the shipped table.
    """
    found: dict[str, Clips] = defaultdict(_make_clips)
    number = 0
    with open(corpus / "words.tsv", encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows, delimiter="\t"):
            path = corpus / "audio" / f"{row['recording']}.opus"
            edges = (round(float(row[name]) * FS) for name in ("start_s", "end_s"))
            word = row["word"].translate(VOWEL_SIGNS)
            name = "train" if row["set"] == "unlabelled" else row["set"]
            found[name][row["spk_id"]][word].append((path, *edges))
            number += 1
    if number != 5_280:
        raise SystemExit(
            f"{corpus}/words.tsv: {number} words found, expected 5280; restore the "
            "file with `git checkout`"
        )
    return found


def _make_clips() -> Clips:
    return defaultdict(lambda: defaultdict(list))


def join(
    clips: dict[str, list[Span]], grammar: Grammar, rng: random.Random
) -> Iterator[tuple[list[str], np.ndarray]]:
    """Join the recordings of one speaker into utterances; yield words and samples.

    The last utterance also takes a word that would be left alone.
    """
    spans = {word: list(clips[word]) for word in grammar.words}
    audio: dict[Path, np.ndarray] = {}
    for taken in spans.values():
        rng.shuffle(taken)
    while any(spans.values()):
        left = Counter({word: len(taken) for word, taken in spans.items()})
        words = grammar.draw(rng, left)
        if (left - Counter(words)).total() == 1:
            words += (left - Counter(words)).elements()
        pieces = []
        for word in words:
            path, start, end = spans[word].pop()
            if path not in audio:
                audio[path] = soundfile.read(path, dtype="float32")[0]
            pieces.append(audio[path][start:end])
        yield words, np.concatenate(pieces)


def write_set(
    folders: Sequence[Path], clips: Clips, grammar: Grammar
) -> dict[str, str]:
    """Write audio and the data directories that share it; return the transcripts.

    Utterance ids contain the name of the first directory. A directory whose name begins
    with unlabelled gets no transcripts.
    """
    texts, written = {}, set()
    name, data = folders[0].name, folders[0].parent
    with ExitStack() as stack:
        writers = [stack.enter_context(DirWriter(folder)) for folder in folders]
        for spk_id, own in sorted(clips.items()):
            rng = random.Random(f"{name} {spk_id}")
            for number, (words, speech) in enumerate(join(own, grammar, rng)):
                utt_id = f"{spk_id}-{name}-{number:03d}"
                # the digest makes later stages notice that the speech has changed
                digest = hashlib.sha256(speech.tobytes()).hexdigest()[:8]
                path = data / "audio" / name / f"{utt_id}-{digest}.flac"
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, speech, FS)
                written.add(path)
                texts[utt_id] = " ".join(words)
                for folder, writer in zip(folders, writers, strict=True):
                    writer.open("wav.scp").write(utt_id, str(path))
                    writer.open("utt2spk").write(utt_id, spk_id)
                    if not folder.name.startswith("unlabelled"):
                        writer.open("text").write(utt_id, texts[utt_id])
    for path in set((data / "audio" / name).iterdir()) - written:  # of an earlier run
        path.unlink()
    return texts


def main() -> None:
    """Read the command line and write the sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="downloads/mini_ar of mini_ar")
    parser.add_argument("data", type=Path, help="folder to write the sets into")
    parser.add_argument("--source", choices=PARTS, default="commands")
    parser.add_argument("--target", choices=PARTS, default="numbers")
    args = parser.parse_args()
    corpus = read_words(args.corpus)
    known = sorted({word for own in corpus["train"].values() for word in own})
    words = {part: choose_words(part, known) for part in (args.source, args.target)}
    if set(words[args.source]) & set(words[args.target]):
        parser.error(f"{args.source} and {args.target} have words in common")
    source = Grammar(words[args.source], args.source)
    target = Grammar(words[args.target], args.target)
    speakers = sorted(corpus["train"])  # alternate ones speak the target
    split = [{s: corpus["train"][s] for s in speakers[k::2]} for k in (0, 1)]
    parts = {"train": split[0], "valid": corpus["valid"], "test": corpus["test"]}
    for name, clips in parts.items():
        write_set([args.data / f"{name}_{args.source}"], clips, source)
    kinds = ("unlabelled", "labelled")
    folders = [args.data / f"{kind}_{args.target}" for kind in kinds]
    truth = write_set(folders, split[1], target)
    write_scp(args.data / f"ref_{args.target}", truth.items())
    for name in ("valid", "test"):
        write_set([args.data / f"{name}_{args.target}"], corpus[name], target)
    rng = random.Random(f"text {args.target}")
    with atomic_text(args.data / f"text_{args.target}") as f:
        f.writelines(" ".join(target.draw(rng, None)) + "\n" for _ in range(TEXT_LINES))


if __name__ == "__main__":
    main()
