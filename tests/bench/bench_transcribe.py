"""Transcription of a long recording: WER, speed and memory, and those of peers.

The recording joins the utterances of a data directory, in random order and as often as
needed, with pauses of 0.3 to 2 s of noise (-60 dB), and now and then 4 s of chords. Its
WER is compared with that of the same utterances as separate files. Peers get the same
recording and one thread:
- transformers' pipeline with the same weights and chunks of 20 s (--huggingface DIR);
- onnx-asr with Silero VAD, its way for long recordings (--onnx DIR, --onnx_peers DIR).

Run:
    python tests/bench/bench_transcribe.py EXP DATA_DIR [--minutes 30] [--lang ar]
        [--long_hours 0] [--huggingface DIR] [--onnx DIR --onnx_peers DIR]
EXP is a folder of train-asr; DIR of --huggingface and --onnx its exports; --onnx_peers
the source of onnx-asr, whose release 0.12.0 lacks the type wav2vec2-ctc.
--long_hours N also measures the peak memory at 1 minute and N hours.

Output: for each, WER with substitutions, deletions and insertions, CPU seconds without
    loading, hours of audio per hour of CPU; then memory.
Goal: three times as fast as the others, at no higher WER.
"""

import argparse
import collections
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np
import soundfile
from rapidfuzz.distance import Levenshtein

from hamzaban.data.files import read_scp

FS = 16_000
NOISE = 1e-3  # of full scale, in pauses; utterances have noise of their own
CHUNK_S = 20  # of transformers' pipeline, as our --max_duration_s
MEMORY = """
import resource, sys
from hamzaban.bin.transcribe import main
code = main(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def make_chords() -> np.ndarray:
    """Return 4 s of chords that fade three times a second."""
    time_s = np.arange(4 * FS) / FS
    tones = [np.sin(2 * np.pi * f * time_s) for f in (220, 277, 330, 440)]
    fading = np.exp(-2 * ((3 * time_s) % 1))
    return (0.05 * sum(tones) * fading).astype(np.float32)


def make(data_dir: Path, minutes: float) -> tuple[np.ndarray, list[str]]:
    """Return a recording and the utterances in it."""
    rng = np.random.default_rng(0)
    wavs = dict(read_scp(data_dir / "wav.scp"))
    parts: list[np.ndarray] = []
    order: list[str] = []
    size = 0

    def add(audio: np.ndarray, *, is_speech: bool = False) -> int:
        noise = rng.standard_normal(len(audio)) * (0 if is_speech else NOISE)
        parts.append(audio + noise.astype(np.float32))
        return len(audio)

    while size < minutes * 60 * FS:
        for utt_id in rng.permutation(sorted(wavs)).tolist():
            size += add(np.zeros(round(rng.uniform(0.3, 2) * FS), np.float32))
            if rng.random() < 0.03:
                size += add(make_chords()) + add(np.zeros(FS, np.float32))
            speech, fs = soundfile.read(wavs[utt_id].strip(), dtype="float32")
            assert fs == FS
            size += add(speech, is_speech=True)
            order.append(utt_id)
            if size >= minutes * 60 * FS:
                break
    return np.concatenate(parts), order


def describe(ref: str, hyp: str) -> str:
    """Return the WER and the kinds of errors."""
    edits = Levenshtein.editops(ref.split(), hyp.split())
    kinds = collections.Counter(edit.tag for edit in edits)
    counts = [kinds[name] for name in ("replace", "delete", "insert")]
    rate = 100 * sum(counts) / len(ref.split())
    return f"{rate:6.2f}   {' '.join(f'{n:5}' for n in counts)}"


def ours(exp: Path) -> Callable[[Path], str]:
    """Our transcription, greedy."""
    import hamzaban

    model = hamzaban.load(str(exp))
    return lambda path: model.transcribe(path).text


def transformers_way(folder: Path) -> Callable[[Path], str]:
    """transformers' pipeline with chunks."""
    from transformers import pipeline

    recognizer = pipeline(
        "automatic-speech-recognition", model=str(folder), chunk_length_s=CHUNK_S
    )

    def run(path: Path) -> str:
        speech, _ = soundfile.read(path, dtype="float32")
        found: dict[str, str] = recognizer(speech)
        return found["text"]

    return run


def onnx_way(folder: Path, int8: bool) -> Callable[[Path], str]:
    """onnx-asr with the weights of Silero VAD that are installed."""
    import onnx_asr
    import onnxruntime
    import silero_vad

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    vad_dir = Path(silero_vad.__file__).parent / "data"
    more: dict[str, Any] = {"sess_options": options}
    model = onnx_asr.load_model(
        "wav2vec2-ctc", folder, quantization="int8" if int8 else None, **more
    )
    with tempfile.TemporaryDirectory() as name:
        weights = (vad_dir / "silero_vad.onnx").read_bytes()
        (Path(name) / "silero_vad.onnx").write_bytes(weights)
        vad = onnx_asr.load_vad("silero", name, **more)
    found = model.with_vad(vad, batch_size=8)
    return lambda path: " ".join(part.text for part in found.recognize(str(path)))


def measure_memory(exp: Path, audio: np.ndarray, folder: Path, hours: float) -> None:
    """Print the peak memory for a minute and for some hours."""
    for seconds in (60.0, 3600 * hours):
        path = folder / "long.wav"
        with soundfile.SoundFile(path, "w", FS, 1) as file:
            left = round(seconds * FS)
            while left > 0:
                file.write(audio[:left])
                left -= len(audio)
        words = [str(exp), str(path), "--output_dir", str(folder / f"out{seconds}")]
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, *words, "--format", "txt,json"],
            capture_output=True,
            text=True,
            check=True,
        )
        print(f"{seconds / 3600:.2f} h: {done.stdout.split()[-1]} MB", flush=True)


def run_all(ways: dict[str, Any], audio: np.ndarray, ref: str, folder: Path) -> None:
    """Print a row for each way."""
    path = folder / "recording.wav"
    soundfile.write(path, audio, FS)
    warm_up = folder / "short.wav"
    soundfile.write(warm_up, audio[: 20 * FS], FS)
    for name, load in ways.items():
        run = load()
        run(warm_up)
        start = time.process_time()
        text = run(path)
        cpu_s = time.process_time() - start
        speed = len(audio) / FS / cpu_s
        print(f"{name:24}{describe(ref, text)} {cpu_s:8.1f} {speed:8.1f}", flush=True)


def recognize_clips(exp: Path, data_dir: Path) -> dict[str, str]:
    """Return the text of each utterance, decoded by itself as decode-asr does."""
    from hamzaban.bin.decode_asr import main as decode_asr

    with tempfile.TemporaryDirectory() as name:
        words = ["--asr_exp", exp, "--data_dir", data_dir, "--output_dir", name]
        decode_asr([str(word) for word in words])
        return dict(read_scp(Path(name) / "text"))


def main() -> None:
    """Make the recording, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exp", type=Path)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--long_hours", type=float, default=0)
    parser.add_argument("--huggingface", type=Path)
    parser.add_argument("--onnx", type=Path)
    parser.add_argument("--onnx_peers", type=Path)
    args = parser.parse_args()
    if args.onnx_peers is not None:
        sys.path.append(str(args.onnx_peers))
    logging.disable(logging.WARNING)
    import torch

    torch.set_num_threads(1)
    audio, order = make(args.data_dir, args.minutes)
    texts = dict(read_scp(args.data_dir / "text"))
    ref = " ".join(texts[utt_id] for utt_id in order)
    print(f"{len(audio) / FS / 60:.1f} min, {len(order)} utterances")
    print(f"{'':24}   WER     sub   del   ins    CPU s  speed")
    clips = recognize_clips(args.exp, args.data_dir)
    hyp = " ".join(clips.get(utt_id, "") for utt_id in order)
    print(f"{'separate files':24}{describe(ref, hyp)}", flush=True)
    ways: dict[str, Any] = {"ours": lambda: ours(args.exp)}
    if args.huggingface is not None:
        ways["ours, Hugging Face"] = lambda: ours(args.huggingface)
        ways["transformers, 20 s"] = lambda: transformers_way(args.huggingface)
    if args.onnx is not None:
        ways["onnx-asr"] = lambda: onnx_way(args.onnx, False)
        ways["onnx-asr, int8"] = lambda: onnx_way(args.onnx, True)
    with tempfile.TemporaryDirectory() as name:
        run_all(ways, audio, ref, Path(name))
        if args.long_hours:
            measure_memory(args.exp, audio, Path(name), args.long_hours)


if __name__ == "__main__":
    main()
