"""Accuracy, time and memory of `hamzaban align`, ctc-segmentation and torchaudio.

The utterances of a data directory are joined to recordings with pauses of 0.2 to 1 s.
Then some sentences are deleted from the text, and as many that nobody says are
inserted; with --extra_words, words that nobody says are put into sentences as well. The
true start and end of an utterance are its first and last 10 ms that are less than 30 dB
below its loudest 10 ms.

The other aligners get our log-posteriors and the same text. ctc-segmentation is run as
its README does, torchaudio's `forced_align` with a wildcard between sentences, whose
log-posterior is that of the likeliest token less what ours pays (`Costs.extra`). Their
times are frames, so ours are shown without the search for pauses, too.

Run:
    python tests/bench/bench_align.py EXP DATA_DIR [--minutes 10] [--share 0.05]
        [--extra_words 0] [--prefix 0] [--spare FILE] [--peers DIR]
EXP is a folder of train-asr, DATA_DIR one whose wav.scp names a file an utterance.
--prefix N joins utterances whose ids have the same first N characters, in their order,
as the verses of a chapter; 0 joins all in random order. --spare is a file of sentences
to insert with --prefix. --peers is a folder with ctc-segmentation:
    uv pip install --no-deps --target DIR ctc-segmentation

Output: share of starts and ends within 50, 100, 200 and 500 ms, of all spoken sentences
    and of those kept; sentences said, lost, and kept though not said, of how many; CPU
    time, memory.
Goal: 95 % within 50 ms of the sentences that are kept.
"""

import argparse
import dataclasses
import itertools
import logging
import random
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from hamzaban.align.graph import Costs
from hamzaban.data.files import read_scp

FS = 16_000
LIMITS_S = (0.05, 0.1, 0.2, 0.5)
PAUSE_S = (0.2, 1.0)
SHOWN_S = 0.75  # how far into a clip its start and end are looked for
MIN_SCORE = 0.03  # default of hamzaban align


@dataclasses.dataclass
class Line:
    """A line of the text: of a sentence that is said or, without times, of another."""

    text: str
    start_s: float | None = None
    end_s: float | None = None


@dataclasses.dataclass
class Made:
    """A recording with its text, and the sentences that the text lacks."""

    path: Path
    lines: list[Line]
    deleted: list[Line]
    duration_s: float


def read_clip(path: str) -> np.ndarray:
    """Return a file as 16 kHz mono."""
    samples, fs = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples.mean(1)
    return mono if fs == FS else soxr.resample(mono, fs, FS)


def find_edges(clip: np.ndarray) -> tuple[float, float]:
    """Return where speech begins and ends in a clip, in seconds."""
    count = len(clip) // 160
    power = (clip[: count * 160].reshape(count, 160) ** 2).mean(1)
    level = 10 * np.log10(power + 1e-10)
    reach = round(SHOWN_S * 100)
    first, last = level[:reach], level[-reach:]
    start = np.flatnonzero(first > first.max() - 30)[0]
    end = np.flatnonzero(last > last.max() - 30)[-1] + 1 + max(count - reach, 0)
    return float(start) / 100, float(end) / 100


def make(
    pool: Sequence[tuple[str, str]], spare: list[str], path: Path, args: Any, seed: int
) -> Made:
    """Write a recording of clips and return it with its text."""
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    parts, lines, deleted, size = [], [], [], 0
    for clip_path, text in pool:
        if size > args.minutes * 60 * FS:
            break
        clip = read_clip(clip_path)
        pause = np.zeros(round(rng.uniform(*PAUSE_S) * FS), np.float32)
        start_s, end_s = (len(pause) + size) / FS + np.array(find_edges(clip))
        parts += [pause, clip]
        size += len(pause) + len(clip)
        if spare and rng.random() < args.share:
            lines.append(Line(spare.pop()))
        words = text.split()
        if spare and rng.random() < args.extra_words:
            words.insert(rng.randrange(len(words) + 1), rng.choice(spare).split()[0])
        line = Line(" ".join(words), start_s, end_s)
        (deleted if rng.random() < args.share else lines).append(line)
    audio = np.concatenate(parts) + noise.normal(0, 1e-4, size).astype(np.float32)
    soundfile.write(path, audio.clip(-1, 1), FS)
    return Made(path, lines, deleted, size / FS)


def _shuffle(pool: Sequence[str], seed: int) -> list[str]:
    return random.Random(seed).sample(pool, len(pool))


def make_all(args: Any, folder: Path) -> list[Made]:
    """Return the recordings."""
    wavs = dict(read_scp(args.data_dir / "wav.scp"))
    texts = dict(read_scp(args.data_dir / "text"))
    order = sorted(texts)
    random.Random(0).shuffle(order)
    spare = [texts[u] for u in order[: round(2 * args.share * len(order))]]
    if not args.prefix:  # a sentence that nobody says may not be said elsewhere
        pool = [utt for utt in order if texts[utt] not in spare]
        copies = max(1, round(30 * args.minutes / len(pool)))  # 30 clips are over 1 min
        groups = [[utt for i in range(copies) for utt in _shuffle(pool, i)]]
    else:
        by_prefix = itertools.groupby(sorted(texts), lambda utt: utt[: args.prefix])
        groups = [list(utts) for _, utts in by_prefix]
        spare = (
            args.spare.read_text(encoding="utf-8").splitlines() if args.spare else []
        )
        random.Random(0).shuffle(spare)
    found = []
    for i, group in enumerate(groups):
        pool = [(wavs[u].strip(), texts[u]) for u in group]
        found.append(make(pool, spare, folder / f"{i}.flac", args, i))
    return found


Times = list[tuple[float, float, float] | None]  # start, end and score of each line


def align_ours(made: Made, loaded: Any) -> tuple[Times, list[tuple[float, float]]]:
    """Return our times, and the speech that the text lacks."""
    from hamzaban.align.run import align_media
    from hamzaban.align.texts import Sentence

    recognizer, speller = loaded
    text = [Sentence(line.text, str(i)) for i, line in enumerate(made.lines)]
    found = align_media(recognizer, made.path, text, speller())
    times: Times = [
        None if s.reason else (s.start_s, s.end_s, s.score) for s in found.sentences
    ]
    return times, [(e.start_s, e.end_s) for e in found.extras]


def hear_all(made: Made, loaded: Any) -> tuple[np.ndarray, list[list[int]], float]:
    """Return log-posteriors, tokens of each line, and the shift of frames in s."""
    from hamzaban.align.recording import hear
    from hamzaban.align.run import spell_all
    from hamzaban.align.texts import Sentence

    recognizer, speller = loaded
    text = [Sentence(line.text, str(i)) for i, line in enumerate(made.lines)]
    ids = [list(s.ids) for s in spell_all(speller(), text)]
    with tempfile.TemporaryDirectory() as name:
        heard = hear(recognizer, made.path, Path(name) / "log_probs")
        return heard.read(0, heard.num_frames), ids, heard.frame_shift_s


def align_torchaudio(
    log_probs: np.ndarray, ids: list[list[int]], shift_s: float
) -> Times:
    """Return times of torchaudio's forced_align with wildcards."""
    import torch
    from torchaudio.functional import forced_align, merge_tokens

    star = log_probs.shape[1]
    extra = np.maximum(log_probs[:, 0], log_probs.max(1) - Costs().extra)
    wide = torch.from_numpy(np.concatenate([log_probs, extra[:, None]], 1))[None]
    targets = [star]
    for line in ids:
        targets += [*line, star]
    path, scores = forced_align(
        wide, torch.tensor([targets], dtype=torch.int32), blank=0
    )
    spans = merge_tokens(path[0], scores[0], blank=0)
    times: Times = []
    at = 1
    for line in ids:
        own = spans[at : at + len(line)]
        at += len(line) + 1
        if not own:
            times.append(None)
            continue
        times.append((own[0].start * shift_s, own[-1].end * shift_s, 1.0))
    return times


def align_ctc_segmentation(
    log_probs: np.ndarray, ids: list[list[int]], shift_s: float, tokens: list[str]
) -> Times:
    """Return times of ctc-segmentation."""
    import ctc_segmentation as cs

    config = cs.CtcSegmentationParameters(char_list=tokens, index_duration=shift_s)
    ground, begins = cs.prepare_token_list(config, [np.array(line) for line in ids])
    timings, probs, _ = cs.ctc_segmentation(config, log_probs, ground)
    text = [str(i) for i in range(len(ids))]
    found = cs.determine_utterance_segments(config, begins, probs, timings, text)
    return [(start, end, float(np.exp(score))) for start, end, score in found]


def judge(made: Sequence[Made], found: Sequence[Times]) -> str:
    """Return the errors of times as a row of the table."""
    every, kept, lost, wrong, said, added = [], [], 0, 0, 0, 0
    for one, times in zip(made, found, strict=True):
        for line, time_s in zip(one.lines, times, strict=True):
            is_kept = time_s is not None and time_s[2] >= MIN_SCORE
            if line.start_s is None or line.end_s is None:
                wrong += is_kept
                added += 1
                continue
            said += 1
            if time_s is None:
                lost += 1
                every += [np.inf, np.inf]
                continue
            errors = [abs(time_s[0] - line.start_s), abs(time_s[1] - line.end_s)]
            every += errors
            kept += errors if is_kept else []
    shares = [100 * np.mean(np.array(every) <= limit) for limit in LIMITS_S]
    best = [100 * np.mean(np.array(kept) <= limit) for limit in LIMITS_S[:2]]
    return (
        f"{' '.join(f'{share:6.1f}' for share in shares)} | {len(kept) // 2:5} "
        f"{' '.join(f'{share:6.1f}' for share in best)} | {said:5} {lost:5} "
        f"{wrong:4}/{added:2}"
    )


def count_heard(
    made: Sequence[Made], extras: Sequence[list[tuple[float, float]]]
) -> tuple[int, int]:
    """Return how many deleted sentences are found as extra speech, and of how many."""
    found = total = 0
    for one, speech in zip(made, extras, strict=True):
        for line in one.deleted:
            assert line.start_s is not None and line.end_s is not None
            length = line.end_s - line.start_s
            common = sum(
                max(min(b, line.end_s) - max(a, line.start_s), 0.0) for a, b in speech
            )
            total += 1
            found += common > length / 2
    return found, total


def run_peers(made: Sequence[Made], loaded: Any) -> None:
    """Print the rows of the other aligners, and ours without pauses."""
    import hamzaban.align.segments as ours

    def keep_frames(events: Any, i: int, layout: Any) -> tuple[float, float]:
        shift_s = layout.recording.frame_shift_s
        return events[i].start * shift_s, events[i].end * shift_s

    kept, ours._refine = ours._refine, keep_frames
    print_row("ours, frames", made, [align_ours(one, loaded)[0] for one in made])
    ours._refine = kept
    heard = [hear_all(one, loaded) for one in made]
    tokens = loaded[0].tokenizer.tokens
    peers = {
        "torchaudio": align_torchaudio,
        "ctc-segmentation": lambda *given: align_ctc_segmentation(*given, tokens),
    }
    for name, align in peers.items():
        start = time.process_time()
        found = [align(*given) for given in heard]
        print_row(name, made, found, time.process_time() - start)


def print_row(
    name: str, made: Sequence[Made], found: Sequence[Times], cpu_s: float | None = None
) -> None:
    """Print a row of the table."""
    text = "" if cpu_s is None else f"{cpu_s:8.1f}"
    print(f"{name:18}{judge(made, found)} {text}", flush=True)


def main() -> None:
    """Make recordings, align them and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exp", type=Path)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--extra_words", type=float, default=0.0)
    parser.add_argument("--prefix", type=int, default=0)
    parser.add_argument("--spare", type=Path, help="lines that nobody says")
    parser.add_argument("--asr_model", default="valid.wer.ave.pth")
    parser.add_argument("--lang", default="ar")
    parser.add_argument("--peers", type=Path)
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    from hamzaban.align.spelled import Speller
    from hamzaban.decode.decode_options import DecodeOptions
    from hamzaban.decode.recognizer import load_for_decoding
    from hamzaban.text.normalizer import get_normalizer

    with tempfile.TemporaryDirectory() as name:
        made = make_all(args, Path(name))
        minutes = sum(one.duration_s for one in made) / 60
        recognizer = load_for_decoding(args.exp, DecodeOptions(args.asr_model))

        def speller() -> Speller:
            return Speller(recognizer.tokenizer, get_normalizer(args.lang), None)

        loaded = recognizer, speller
        print(f"{len(made)} recordings, {minutes:.1f} min")
        print(
            " " * 18 + "within ms: 50    100    200    500 | kept     50    100 | "
            "said  lost   wrong    CPU s"
        )
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        start = time.process_time()
        found = [align_ours(one, loaded) for one in made]
        cpu_s = time.process_time() - start
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print_row("ours, with model", made, [times for times, _ in found], cpu_s)
        heard, total = count_heard(made, [extras for _, extras in found])
        print(f"  deleted sentences found: {heard} of {total}")
        print(f"  peak memory {after} MB, of which {before} MB before the recordings")
        if args.peers is not None:
            sys.path.insert(0, str(args.peers))
            run_peers(made, loaded)


if __name__ == "__main__":
    main()
