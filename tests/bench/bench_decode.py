"""Speed of batched greedy CTC decoding beside ESPnet's own inference.

One tiny wav2vec 2.0 CTC model with random weights and about 500 BPE tokens; noisy
chirps of a few lengths. Each way reads the audio, runs the model, searches and joins
tokens to text, on one thread; loading the model is not counted. ESPnet's inference
(`espnet2.bin.asr_inference`, CTC only, batch 1) scores prefixes over the whole
vocabulary, so its time grows with the tokens and the beam. A trained model, which is
more certain of its tokens, does not change the time of ours.

Run:
    python tests/bench/bench_decode.py [--num_utts 6] [--duration_s 4] [--runs 3]

Output: utterances per second and real-time factor, both of CPU seconds (on an idle
machine these are seconds of wall time, and a busy one changes them little), the median
of the runs, and how many times as fast as ESPnet with beam 1 each way is. Below 10 for
ours, batched, is a regression.
"""

import argparse
import logging
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "plugins"))

from tiny_experiment import (
    MODEL_NAME,
    write_audio,
    write_checkpoint,
    write_experiment,
    write_tokens,
)

from hamzaban.decode.decode_options import DecodeOptions
from hamzaban.decode.emissions import Utterance, make_batches, read_utterances
from hamzaban.decode.make_emissions import compute_batches
from hamzaban.decode.recognizer import Recognizer, load_recognizer
from hamzaban.decode.search import SearchFiles
from hamzaban.decode.searches.greedy import GreedySearch

FS = 16000
LETTERS = "ابپتثجچحخدذرزسشصضطعغفقکگلمنوهی"


def make_text(path: Path, num_lines: int = 3000) -> Path:
    """Write transcripts of made-up words, enough for 500 pieces."""
    rng = random.Random(0)
    words = ["".join(rng.choices(LETTERS, k=rng.randint(2, 7))) for _ in range(800)]
    rows = (f"utt{i:05d} {' '.join(rng.choices(words, k=6))}" for i in range(num_lines))
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def make_experiment(folder: Path) -> Path:
    """Write the experiment directory."""
    options = ["--bpemode", "bpe", "--nbpe", "500"]
    tokens = write_tokens(folder / "tokens", make_text(folder / "text"), *options)
    conv = "[(64, 10, 5)] + [(64, 3, 2)] * 4 + [(64, 2, 2)] * 2"
    write_checkpoint(folder / "wav2vec2.pt", width=128, layers=4, conv=conv)
    return write_experiment(folder, tokens, folder / "wav2vec2.pt", sharpness=1.0)


def run_ours(recognizer: Recognizer, utts: Sequence[Utterance], bins: int) -> None:
    """Decode all utterances in batches."""
    decoder = GreedySearch().build(recognizer.tokenizer, SearchFiles())
    for _, log_probs, _ in compute_batches(recognizer, make_batches(utts, bins)):
        decoder.decode(log_probs)


def make_espnet(exp: Path, beam_size: int) -> Callable[[Sequence[Utterance]], None]:
    """Load ESPnet's inference; return a function that decodes utterances with it."""
    import soundfile
    from espnet2.bin.asr_inference import Speech2Text

    speech2text = Speech2Text(
        asr_train_config=str(exp / "config.yaml"),
        asr_model_file=str(exp / MODEL_NAME),
        beam_size=beam_size,
        ctc_weight=1.0,
        lm_weight=0.0,
        nbest=1,
    )

    def run(utts: Sequence[Utterance]) -> None:
        for utt in utts:
            speech2text(soundfile.read(utt.path, dtype="float32")[0])

    return run


def main() -> None:
    """Run all decoders in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num_utts", type=int, default=6)
    parser.add_argument("--duration_s", type=float, default=4.0)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    import torch

    from hamzaban import asr

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder, longest = Path(name), int(args.duration_s * FS)
        steps = [1 - 0.4 * i / args.num_utts for i in range(args.num_utts)]
        data_dir = write_audio(folder / "data", [int(longest * step) for step in steps])
        asr.register()
        exp = make_experiment(folder)
        utts = read_utterances(data_dir)
        recognizer = load_recognizer(exp, MODEL_NAME)
        bins = DecodeOptions().batch_bins
        beams = {beam: make_espnet(exp, beam) for beam in (1, 10)}
        ways: dict[str, Callable[[], None]] = {
            "ESPnet, beam 1, batch 1": lambda: beams[1](utts),
            "ESPnet, beam 10, batch 1": lambda: beams[10](utts),
            "ours, greedy, batch 1": lambda: run_ours(recognizer, utts, 1),
            "ours, greedy, batched": lambda: run_ours(recognizer, utts, bins),
        }
        seconds = measure(ways, args.runs)
    report(seconds, args.num_utts, sum(utt.num_samples for utt in utts) / FS)


def measure(ways: dict[str, Callable[[], None]], runs: int) -> dict[str, float]:
    """Return the median CPU time of each decoder; they take turns."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            start = time.process_time()
            way()
            times[name].append(time.process_time() - start)
    return {name: statistics.median(found) for name, found in times.items()}


def report(seconds: dict[str, float], num_utts: int, audio_s: float) -> None:
    """Print the table."""
    base = next(iter(seconds.values()))
    print(f"{num_utts} utterances, {audio_s:.1f} s of audio, one thread")
    print(f"{'':26} {'utts/s':>9} {'RTF':>9} {'ratio':>8}")
    for name, cpu_s in seconds.items():
        speed, rtf = num_utts / cpu_s, cpu_s / audio_s
        print(f"{name:26} {speed:9.2f} {rtf:9.5f} {base / cpu_s:8.1f}")


if __name__ == "__main__":
    main()
