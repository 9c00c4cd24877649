"""Text of a whole test set from a trained model and from each of its exports.

Exports the model of an experiment to an archive, Hugging Face, ONNX and int8, and lets
each program that the exports are for transcribe the same recordings, one by one, in a
process of its own: ESPnet where this package cannot be imported, transformers'
pipeline, onnx-asr and sherpa-onnx. The last two are not among our requirements: --peers
names a Python that has them and soundfile. onnx-asr knows wav2vec2-ctc only after
0.12.0; --onnx_asr_src names the folder `src` of a later checkout.

Run in the folder of a recipe:
    python ROOT/tests/bench/compare_exports.py exp/asr_x dump/raw/test --output FOLDER \
        --peers /path/to/python --onnx_asr_src /path/to/onnx-asr/src

Output: WER as it is (no normalizer), utterances whose text differs from that of torch,
and seconds for the set, loading the model left out. A program that is not there is
named and left out.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ALLOWED = {  # greatest difference of WER to torch, in points
    "int8": 2.0,
    "beam 10": 2.0,
}
LOADERS = {
    "ours": """
from hamzaban.export.clips import decode_greedily
from hamzaban.transcribe.acoustics import ModelRequest, load_acoustics
model = load_acoustics(ModelRequest(MODEL))
def run(speech):
    ((log_probs, _),) = model.emit([speech])
    return decode_greedily(model.tokenizer, log_probs)
""",
    "espnet": """
import importlib.util
sys.path = [p for p in sys.path if "plugins" not in p]
sys.meta_path = [f for f in sys.meta_path if "hamzaban" not in repr(f)]
assert importlib.util.find_spec("hamzaban") is None
import itertools, tempfile, torch
from espnet2.bin.asr_inference import Speech2Text
from espnet2.main_funcs.pack_funcs import unpack
found = unpack(MODEL, tempfile.mkdtemp())
model = Speech2Text(**found, ctc_weight=1.0, beam_size=10)
def run(speech):
    if not IS_GREEDY:
        return model(speech)[0][0]
    asr = model.asr_model
    with torch.inference_mode():
        out, _ = asr.encode(torch.from_numpy(speech)[None], torch.tensor([len(speech)]))
        path = asr.ctc.argmax(out)[0].tolist()
    tokens = [asr.token_list[t] for t, _ in itertools.groupby(path) if t]
    return model.tokenizer.tokens2text(tokens)
""",
    "transformers": """
from transformers import pipeline
pipe = pipeline("automatic-speech-recognition", model=MODEL)
def run(speech):
    return pipe(speech)["text"]
""",
    "onnx_asr": """
import onnx_asr, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
model = onnx_asr.load_model(
    "wav2vec2-ctc", MODEL, quantization=QUANTIZATION or None, sess_options=options
)
def run(speech):
    return model.recognize(speech)
""",
    "sherpa_onnx": """
import sherpa_onnx
name = MODEL + ("/model.int8.onnx" if QUANTIZATION else "/model.onnx")
model = sherpa_onnx.OfflineRecognizer.from_omnilingual_asr_ctc(
    model=name, tokens=MODEL + "/vocab.txt"
)
def run(speech):
    stream = model.create_stream()
    stream.accept_waveform(16000, speech)
    model.decode_stream(stream)
    return stream.result.text
""",
}
LOOP = """
import time
import soundfile
found, spent = {}, 0.0
for utt_id, path in json.loads(sys.stdin.read()):
    speech = soundfile.read(path, dtype="float32")[0]
    start = time.perf_counter()
    found[utt_id] = " ".join(run(speech).split())
    spent += time.perf_counter() - start
json.dump({"text": found, "seconds": spent}, open(OUTPUT, "w"))
"""


def run_export(exp: str, output: Path) -> None:
    """Write the archive and the folders `hf` and `onnx`."""
    commands = [
        ["pack-model", "--asr_exp", exp, "--output", output / "model.zip"],
        ["export", exp, "--to", "hf", "--output", output / "hf"],
        ["export", exp, "--to", "onnx", "--int8", "--output", output / "onnx"],
    ]
    for words in commands:
        command = [sys.executable, "-m", "hamzaban", *map(str, words)]
        subprocess.run(command, check=True)


def run_reader(
    python: str, kind: str, values: dict, clips: list, extra: str = ""
) -> dict | None:
    """Return the text of all clips in a process of its own; None if it fails."""
    head = "import json, sys\n" + "".join(f"{k} = {v!r}\n" for k, v in values.items())
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": extra}
    done = subprocess.run(
        [python, "-c", head + LOADERS[kind] + LOOP],
        input=json.dumps(clips),
        text=True,
        capture_output=True,
        env=env,
    )
    if done.returncode:
        print(f"{kind}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return json.loads(Path(values["OUTPUT"]).read_text(encoding="utf-8"))


def main() -> None:
    """Export, transcribe, print the table."""
    from hamzaban.data.files import read_scp
    from hamzaban.text.edits import count_edits

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exp")
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--onnx_asr_src", default="")
    args = parser.parse_args()
    run_export(args.exp, args.output)
    clips = list(read_scp(args.data_dir / "wav.scp"))
    ref = dict(read_scp(args.data_dir / "text"))
    packed, onnx = str(args.output / "model.zip"), str(args.output / "onnx")
    own, peers, src = sys.executable, args.peers, args.onnx_asr_src
    plugins = str(ROOT / "plugins")
    rows = {
        "torch": (own, "ours", {"MODEL": args.exp}, plugins),
        "archive": (own, "ours", {"MODEL": packed}, plugins),
        "ESPnet alone, greedy": (own, "espnet", {"MODEL": packed, "IS_GREEDY": 1}),
        "ESPnet alone, beam 10": (own, "espnet", {"MODEL": packed, "IS_GREEDY": 0}),
        "transformers pipeline": (
            *(own, "transformers", {"MODEL": str(args.output / "hf")}),
        ),
        "hf, hamzaban transcribe": (
            *(own, "ours", {"MODEL": str(args.output / "hf")}, plugins),
        ),
        "onnx-asr": (peers, "onnx_asr", {"MODEL": onnx, "QUANTIZATION": ""}, src),
        "onnx-asr int8": (
            *(peers, "onnx_asr", {"MODEL": onnx, "QUANTIZATION": "int8"}, src),
        ),
        "sherpa-onnx": (peers, "sherpa_onnx", {"MODEL": onnx, "QUANTIZATION": ""}),
        "sherpa-onnx int8": (
            *(peers, "sherpa_onnx", {"MODEL": onnx, "QUANTIZATION": "int8"}),
        ),
    }
    print("| program | WER % | difference | allowed | other texts | seconds |")
    print("|---|---|---|---|---|---|")
    first: dict = {}
    for name, (python, kind, values, *path) in rows.items():
        values["OUTPUT"] = str(args.output / "text.json")
        found = run_reader(python, kind, values, clips, *path)
        if found is None:
            continue
        text = found["text"]
        first = first or text
        edits = count_edits([ref[i] for i in text], list(text.values()))
        wer = 100 * edits.word_errors / edits.words
        base = count_edits([ref[i] for i in first], list(first.values()))
        gap = wer - 100 * base.word_errors / base.words
        allowed = next((v for key, v in ALLOWED.items() if key in name), 0.0)
        other = sum(text[i] != first[i] for i in text)
        mark = "" if abs(gap) <= allowed else " (more than allowed)"
        print(
            f"| {name} | {wer:.1f} | {gap:+.1f}{mark} | {allowed:.1f} | {other} of "
            f"{len(text)} | {found['seconds']:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
