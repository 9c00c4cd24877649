"""Measure live transcription: WER and latency against chunk size and look-ahead.

The utterances of each test speaker are joined with pauses to one recording. It is
transcribed as a whole, and live in each setting, by the same model in the same run.

    .venv/bin/python tests/bench/bench_live.py MODEL DATA_DIR --utterances 20

MODEL is what `hamzaban transcribe` takes; DATA_DIR has wav.scp, text and utt2spk, such
as dump/raw/test of mini_ar. Latency is the audio heard until a word is final, counted
from the word's end; real-time factors are processor seconds per second of audio.
"""

import argparse
import random
import time
from collections import defaultdict
from pathlib import Path

import jiwer
import numpy as np
import soundfile

import hamzaban
from hamzaban.transcribe.live import Listener
from hamzaban.transcribe.live_options import LiveOptions

FS = 16000
PAUSE_S = (0.5, 1.5)
NOISE = 1e-4  # amplitude of the noise in the pauses


def read_table(path):
    lines = path.read_text("utf-8").splitlines()
    return dict(line.partition(" ")[::2] for line in lines)


def join_speakers(data_dir, most, seed):
    """Return a recording and its words for each speaker."""
    audio, text = read_table(data_dir / "wav.scp"), read_table(data_dir / "text")
    by_speaker = defaultdict(list)
    for utt_id, speaker in read_table(data_dir / "utt2spk").items():
        by_speaker[speaker].append(utt_id)
    rng, numbers = random.Random(seed), np.random.default_rng(seed)
    joined = {}
    for speaker, utt_ids in sorted(by_speaker.items()):
        rng.shuffle(utt_ids)
        parts, words = [], []
        for utt_id in utt_ids[:most]:
            parts.append(soundfile.read(audio[utt_id], dtype="float32")[0])
            parts.append(np.zeros(round(rng.uniform(*PAUSE_S) * FS), np.float32))
            words += text[utt_id].split()
        speech = np.concatenate(parts)
        speech += (NOISE * numbers.standard_normal(len(speech))).astype(np.float32)
        joined[speaker] = (speech, words)
    return joined


def measure_live(model, joined, options):
    """Return the texts, the latencies and the processor time."""
    texts, waits, changed, shown = [], [], 0, 0
    began = time.process_time()
    for speech, _ in joined.values():
        listener = Listener(model, options)
        before = ()
        for step in [*listener.feed(speech), *listener.finish()]:
            waits += [step.at_s - word.end_s for word in step.final]
            now = [word.text for word in (*step.final, *step.partial)]
            changed += now[: len(before)] != list(before)
            shown += bool(before)
            before = tuple(word.text for word in step.partial)
        texts.append(" ".join(w.text for w in listener.transcript("").words))
    return texts, waits, changed / max(shown, 1), time.process_time() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--utterances", type=int, default=20, help="of each speaker")
    parser.add_argument("--chunks", type=float, nargs="+", default=[0.16, 0.32, 0.64])
    parser.add_argument("--ahead", type=float, nargs="+", default=[0.16, 0.32, 0.64])
    parser.add_argument("--left", type=float, nargs="+", default=[8.0])
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    joined = join_speakers(args.data_dir, args.utterances, args.seed)
    refs = [" ".join(words) for _, words in joined.values()]
    audio_s = sum(len(speech) for speech, _ in joined.values()) / FS
    model = hamzaban.load(args.model)
    model.transcribe(np.zeros(FS, np.float32))
    began = time.process_time()
    found = [model.transcribe(s) for s, _ in joined.values()]
    offline_s = time.process_time() - began
    whole = [" ".join(word.text for word in each.words) for each in found]
    count = sum(map(len, (words for _, words in joined.values())))
    print(f"{len(joined)} speakers, {count} words, {audio_s:.0f} s of audio\n")
    print(
        "| chunk, s | look-ahead, s | left, s | WER, % | latency, s: median |"
        " 95 % | steps that change partial words, % | real-time factor |"
    )
    print("|---|---|---|---|---|---|---|---|")
    print(
        f"| whole recording | | | {100 * jiwer.wer(refs, whole):.1f} | | | |"
        f" {offline_s / audio_s:.3f} |",
        flush=True,
    )
    for left in args.left:
        for chunk in args.chunks:
            for ahead in args.ahead:
                options = LiveOptions(
                    chunk_s=chunk, look_ahead_s=ahead, left_context_s=left
                )
                texts, waits, changes, spent_s = measure_live(model, joined, options)
                middle, late = np.quantile(waits, [0.5, 0.95])
                wer = 100 * jiwer.wer(refs, texts)
                print(
                    f"| {chunk} | {ahead} | {left:g} | {wer:.1f}"
                    f" | {middle:.2f} | {late:.2f} | {100 * changes:.0f}"
                    f" | {spent_s / audio_s:.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
