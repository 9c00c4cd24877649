#!/usr/bin/env python3
"""Make the corpus shipped with mini_ar from Arabic Speech Commands (CC BY 4.0).

No stage runs this: its result is in downloads/mini_ar. Recordings of single words, one
second each, are trimmed and joined into short commands; each command has words of one
speaker. A small grammar chooses the words. No sentence of valid or test occurs in train
or in the LM text. The same input gives the same output. words.tsv lists the position of
each word; egs2/mini_transfer cuts the words out again.
"""

import argparse
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
import soundfile

FS = 16_000
WORDS = dict(
    zero="صِفر", one="واحد", two="اثنان", three="ثلاثة", four="أربعة",
    five="خمسة", six="ستة", seven="سبعة", eight="ثمانية", nine="تسعة",
    right="يمين", left="يسار", up="أعلى", down="أسفل", forward="أمام",
    backward="خلف", yes="نعم", no="لا", start="ابدأ", stop="توقف",
    enable="تفعيل", disable="تعطيل", ok="موافق", cancel="إلغاء", open="فتح",
    close="إغلاق", zoom_in="تكبير", zoom_out="تصغير", previous="السابق",
    next="التالي", send="إرسال", receive="استقبال", move="تحريك",
    rotate="تدوير", record="تسجيل", enter="إدخال", digit="رقم",
    direction="اتجاه", options="خيارات", undo="تراجُع",
)  # fmt: skip
CLASSES = {
    "D": "zero one two three four five six seven eight nine",
    "W": "right left up down forward backward",
    "M": "move rotate zoom_in zoom_out",
    "A": "open close start stop enable disable record send receive enter cancel undo",
    "O": "options previous next",
    "Y": "yes no ok",
    "n": "digit",
    "d": "direction",
}
# Each letter stands for a word of that class; each string is one form of command.
FORMS = (
    ["MWD", "MWDD", "YMWD", "MdWD", "YMdW", "MW", "dWD", "WDWD", "WDWDWD", "MWDWD"]
    + ["AnD", "AnDD", "AnDDD", "YAnDD", "nDDDD", "YnDDD", "AAnD"]
    + ["AO", "YAO", "AOAO", "AAO", "YA", "AAA", "AYA", "YAAO", "AW", "AAWD"]
)
# set -> (part of the source, takes, prefix of the utterance numbers)
SETS = {
    "test": ("test", range(1, 4), "te"),
    "valid": ("valid", range(1, 2), "va"),
    "train": ("train", range(1, 5), "tr"),
    "unlabelled": ("train", range(5, 7), "un"),
    "seed": ("train", range(1, 11), "se"),  # data of the seed model, not shipped
}
Row = tuple[str, ...]
LABELLED = ("test", "valid", "train")
KEEP_DB, MARGIN_S, FADE_S, GAP_S = 30.0, 0.06, 0.005, 0.2


def cut_pauses(speech: np.ndarray) -> np.ndarray:
    """Trim the pauses around one word.

    Args:
        speech: Samples of one clip at 16 kHz, shape (num_samples,).

    Returns:
        The clip with fades of 5 ms, from 60 ms before the first loud frame to 60 ms
        after the last one. A frame of 10 ms is loud if it is less than 30 dB below the
        loudest.
    """
    frame = FS // 100
    power = (speech[: len(speech) // frame * frame].reshape(-1, frame) ** 2).mean(1)
    level_db = 10 * np.log10(power + 1e-10)
    loud = np.flatnonzero(level_db > level_db.max() - KEEP_DB)
    margin = round(MARGIN_S * FS)
    start = max(0, int(loud[0]) * frame - margin)
    word = speech[start : (int(loud[-1]) + 1) * frame + margin].copy()
    ramp = np.linspace(0, 1, round(FADE_S * FS), dtype=np.float32)
    word[: len(ramp)] *= ramp
    word[-len(ramp) :] *= ramp[::-1]
    return word


def draw_form(rng: random.Random, left: Counter[str]) -> list[str] | None:
    """Draw a command from the words that are left; None if no form fits them."""
    for form in rng.sample(FORMS, len(FORMS)):
        drawn: list[str] = []
        for letter in form:
            pool = [w for w in CLASSES[letter].split() if left[w] > drawn.count(w)]
            if not pool:
                break
            drawn.append(rng.choice(pool))
        if len(drawn) == len(form):
            return drawn
    return None


def draw_rest(rng: random.Random, left: Counter[str]) -> list[str]:
    """Draw 2 to 6 of the words that are left, in any order; never leave just one."""
    rest = sorted(left.elements())
    rng.shuffle(rest)
    size = rng.randint(2, 6)
    if len(rest) - size == 1:
        size += 1 if size < 6 else -1
    return rest[:size]


def make_sentences(
    rng: random.Random, left: Counter[str], taken: set[str]
) -> Iterator[list[str]]:
    """Use every word of `left` once, in sentences that are not in `taken`."""
    while left.total():
        for _ in range(200):
            words = draw_form(rng, left) or draw_rest(rng, left)
            if " ".join(words) not in taken and left.total() - len(words) != 1:
                break
        else:
            words = draw_rest(rng, left)
            if " ".join(words) in taken and left.total() <= len(words):
                return
            if " ".join(words) in taken:
                continue
        left.subtract(words)
        yield words


def write_opus(path: Path, speech: np.ndarray, bit_rate: int) -> None:
    """Write mono speech at 16 kHz, float in -1..1, as Ogg Opus."""
    with av.open(str(path), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=FS, layout="mono")
        stream.bit_rate = bit_rate
        pcm = (np.clip(speech, -1, 1) * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate = FS
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


def read_clips(
    folder: Path, takes: Sequence[int], rng: random.Random
) -> dict[str, list]:
    """Read the wanted takes of each word of a speaker, trimmed, in random order."""
    clips = {
        word: [
            cut_pauses(
                soundfile.read(folder / f"{word}_{n:02d}.opus", dtype="float32")[0]
            )
            for n in takes
        ]
        for word in WORDS
    }
    for takes_of_word in clips.values():
        rng.shuffle(takes_of_word)
    return clips


def locate(words: Sequence[str], edges: Sequence[int], place: Row) -> Iterator[Row]:
    """Yield a row of words.tsv for each word; `edges` are in samples."""
    for word, start, end in zip(words, edges, edges[1:], strict=False):
        span = (f"{start / FS:.4f}", f"{end / FS:.4f}")
        yield (*place, "_".join(place), *span, WORDS[word])


def make_set(
    name: str, args: argparse.Namespace, taken: dict[str, set[str]]
) -> Iterator[tuple[Row, list[Row]]]:
    """Write one recording per speaker of a set; yield each utterance and its words."""
    part, takes, letters = SETS[name]
    avoid = set().union(*(taken[s] for s in taken if s != name))
    for folder in sorted((args.source / part).iterdir()):
        rng = random.Random(f"{name} {folder.name}")
        clips = read_clips(folder, takes, rng)
        left = Counter({word: len(takes) for word in WORDS})
        gap = np.zeros(round(GAP_S * FS), np.float32)
        pieces, start = [gap], len(gap)
        for k, words in enumerate(make_sentences(rng, left, avoid)):
            cut = [clips[word].pop() for word in words]
            speech = np.concatenate(cut)
            taken[name].add(" ".join(words))
            recording = f"{name}_{folder.name}"
            utt_id = f"{folder.name}-{letters}{k:03d}"
            text = " ".join(WORDS[w] for w in words) if name in LABELLED else ""
            span = (f"{start / FS:.3f}", f"{(start + len(speech)) / FS:.3f}")
            row = (utt_id, name, folder.name, recording, *span, text)
            ends = start + np.cumsum([len(word) for word in cut])
            yield row, list(locate(words, (start, *ends), (name, folder.name)))
            pieces += [speech, gap]
            start += len(speech) + len(gap)
        path = args.output / "audio" / f"{name}_{folder.name}.opus"
        write_opus(path, np.concatenate(pieces), args.bit_rate)


def make_lm_text(lines: int, taken: dict[str, set[str]]) -> Iterator[str]:
    """Yield sentences of the same grammar that occur in neither valid nor test."""
    rng = random.Random("lm")
    full = Counter(dict.fromkeys(WORDS, 9))
    while lines:
        words = draw_form(rng, full) or []
        if " ".join(words) not in taken["valid"] | taken["test"]:
            lines -= 1
            yield " ".join(WORDS[word] for word in words)


def main() -> None:
    """Read the command line and write the corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="folder with train/ valid/ test/")
    parser.add_argument("output", type=Path, help="folder to write (downloads/mini_ar)")
    parser.add_argument("--bit_rate", type=int, default=24_000, help="bits per second")
    parser.add_argument("--lm_lines", type=int, default=3_000)
    shipped = [name for name in SETS if name != "seed"]
    parser.add_argument("--sets", nargs="+", choices=SETS, default=shipped)
    args = parser.parse_args()
    (args.output / "audio").mkdir(parents=True, exist_ok=True)
    taken: dict[str, set[str]] = defaultdict(set)
    found = [pair for name in args.sets for pair in make_set(name, args, taken)]
    place = ("set", "spk_id", "recording", "start_s", "end_s")
    tables = {
        "utterances": [("utt_id", *place, "text"), *sorted(row for row, _ in found)],
        "words": [(*place, "word"), *sorted(row for _, rows in found for row in rows)],
    }
    for name, rows in tables.items():
        with open(args.output / f"{name}.tsv", "w", encoding="utf-8") as f:
            f.writelines("\t".join(row) + "\n" for row in rows)
    with open(args.output / "lm.txt", "w", encoding="utf-8") as f:
        f.writelines(line + "\n" for line in make_lm_text(args.lm_lines, taken))


if __name__ == "__main__":
    main()
