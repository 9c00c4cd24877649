"""Seconds of audio per second of CTC training: ours, stock ESPnet, a bare loop.

All train the same wav2vec 2.0 (S3PRL's class, random weights) with the same batches of
the same files (noise as FLAC, random characters): reading, forward, CTC, backward,
clipping, Adam. In turns, each in a process of its own; the first epoch of a turn is not
counted.

    hamzaban  train-asr: our frontend, model, trainer
    espnet    espnet2.bin.asr_train with `frontend: s3prl`, pure CTC
    bare      DataLoader, S3PRL's model, F.ctc_loss, Adam: nothing logged or saved
    bare+     bare, with hamzaban's setting of the memory allocator

Masks, layer drop and dropout of attention are off, since stock ESPnet cannot mask.

Run:
    python tests/bench/bench_train.py [--rounds 3] [--num_utts 96]

Output: medians of the epochs, by the clock (validation and files not counted) and by
the time the processors worked, which other programs disturb less; then the ratio to the
bare loop. A ratio below 0.9 by the clock, on a machine that does nothing else, is a
regression.
"""

import argparse
import logging
import multiprocessing
import random
import resource
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import soundfile

FS = 16000
SYSTEMS = ("hamzaban", "espnet", "bare", "bare+")
TOKENS = ["<blank>", "<unk>", *"abcdefghijklmnopqrstuvwxyz", "<space>", "<sos/eos>"]


def get_parser() -> argparse.ArgumentParser:
    """Build the parser."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="turns of each system")
    parser.add_argument("--epochs", type=int, default=3, help="of a turn, 1 to warm up")
    parser.add_argument("--num_utts", type=int, default=96)
    parser.add_argument("--batch_bins", type=int, default=480000, help="samples")
    parser.add_argument("--channels", type=int, default=64, help="of the convolutions")
    parser.add_argument("--width", type=int, default=128, help="of the transformer")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--num_workers", type=int, default=1, help="reading audio")
    parser.add_argument("--num_threads", type=int, default=2)
    parser.add_argument("--systems", nargs="+", default=SYSTEMS, choices=SYSTEMS)
    return parser


def write_data(folder: Path, args: argparse.Namespace) -> float:
    """Write audio, text, shapes, tokens and a checkpoint; return seconds of audio."""
    import torch
    from s3prl.upstream.wav2vec2.wav2vec2_model import Wav2Vec2Config, Wav2Vec2Model

    from hamzaban.wav2vec2.checkpoint import Checkpoint, write_checkpoint
    from hamzaban.wav2vec2.config import make_model_cfg, make_task_cfg

    rng, letters = np.random.default_rng(0), random.Random(0)
    lines: dict[str, list[str]] = {"wav.scp": [], "text": [], "speech": [], "ids": []}
    total = 0
    for index in range(args.num_utts):
        utt_id, samples = f"utt{index:05}", int(rng.uniform(2.0, 5.0) * FS)
        path = folder / f"{utt_id}.flac"
        soundfile.write(path, 0.1 * rng.standard_normal(samples).clip(-9, 9), FS)
        text = "".join(letters.choices(TOKENS[2:-2], k=samples // FS * 8))
        values = (path, text, samples, f"{len(text)},{len(TOKENS)}")
        for name, value in zip(lines, values, strict=True):
            lines[name].append(f"{utt_id} {value}\n")
        total += samples
    for name, content in lines.items():
        (folder / name).write_text("".join(content), encoding="utf-8")
    (folder / "tokens.txt").write_text("\n".join(TOKENS) + "\n", encoding="utf-8")
    convs = f"[({args.channels}, 10, 5)] + [({args.channels}, 3, 2)] * 4"
    cfg = {
        "conv_feature_layers": f"{convs} + [({args.channels}, 2, 2)] * 2",
        "encoder_layers": args.layers,
        "encoder_embed_dim": args.width,
        "encoder_ffn_embed_dim": 4 * args.width,
        "encoder_attention_heads": 4,
        "attention_dropout": 0.0,
        "encoder_layerdrop": 0.0,
    }
    model_cfg = make_model_cfg(cfg, "bench")
    torch.manual_seed(0)
    weights = Wav2Vec2Model(Wav2Vec2Config(**model_cfg)).state_dict()
    stored = Checkpoint(make_task_cfg({}, "bench"), model_cfg, weights)
    write_checkpoint(folder / "seed.pt", stored)
    return total / FS


def make_words(folder: Path, exp: Path, args: argparse.Namespace) -> list[str]:
    """Return the options that hamzaban and ESPnet share."""
    options = {
        "output_dir": exp,
        "token_type": "char",
        "token_list": folder / "tokens.txt",
        "ngpu": 0,
        "max_epoch": args.epochs,
        "batch_type": "numel",
        "batch_bins": args.batch_bins,
        "optim": "adam",
        "num_att_plot": 0,
        "use_matplotlib": "false",
        "num_workers": args.num_workers,
        "keep_nbest_models": 1,
        "best_model_criterion": "valid,loss,min",
        "model_conf": "ctc_weight=1.0",
    }
    words = [
        str(word) for item in options.items() for word in (f"--{item[0]}", item[1])
    ]
    for part in ("train", "valid"):
        data = f"--{part}_data_path_and_name_and_type"
        words += [data, f"{folder}/wav.scp,speech,sound"]
        words += [data, f"{folder}/text,text,text"]
        for name in ("speech", "ids"):
            words += [f"--{part}_shape_file", str(folder / name)]
    return words


def train_hamzaban(folder: Path, exp: Path, args: argparse.Namespace, clock) -> None:
    """Train with our task."""
    from hamzaban.asr.task import ASRTask

    words = make_words(folder, exp, args)
    clock.watch(ASRTask.trainer)
    ASRTask.main(cmd=[*words, "--ssl_checkpoint", str(folder / "seed.pt")])


def train_espnet(folder: Path, exp: Path, args: argparse.Namespace, clock) -> None:
    """Train with ESPnet's own task, as espnet2.bin.asr_train does."""
    import yaml
    from espnet2.tasks.asr import ASRTask

    upstream = {"upstream": "wav2vec2_custom", "path_or_url": str(folder / "seed.pt")}
    config = {"frontend": "s3prl", "frontend_conf": {"frontend_conf": upstream}}
    config.update(encoder=None, normalize=None)
    exp.mkdir(parents=True)
    (exp / "train.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    words = make_words(folder, exp, args)
    clock.watch(ASRTask.trainer)
    ASRTask.main(cmd=["--config", str(exp / "train.yaml"), *words])


class Noise:
    """The same files and texts as a plain dataset."""

    def __init__(self, folder: Path) -> None:
        """Read the lists."""
        self.files, self.texts = (
            dict(line.split() for line in (folder / name).read_text().splitlines())
            for name in ("wav.scp", "text")
        )

    def __getitem__(self, utt_id: str):
        """Read one utterance."""
        import torch

        speech, _ = soundfile.read(self.files[utt_id], dtype="float32")
        ids = [TOKENS.index(char) for char in self.texts[utt_id]]
        return torch.from_numpy(speech), torch.tensor(ids)


def collate(items):
    """Pad a batch."""
    import torch

    pad = torch.nn.utils.rnn.pad_sequence
    columns = list(zip(*items, strict=True))
    lengths = [torch.tensor([len(item) for item in column]) for column in columns]
    padded = [pad(list(column), batch_first=True) for column in columns]
    return padded[0], lengths[0], padded[1], lengths[1]


def train_bare(folder: Path, exp: Path, args: argparse.Namespace, clock) -> None:
    """Train in a plain loop."""
    import torch
    from espnet2.samplers.build_batch_sampler import build_batch_sampler
    from s3prl.upstream.wav2vec2.convert import load_converted_model

    shapes = [str(folder / "speech"), str(folder / "ids")]
    bins = args.batch_bins
    batches = list(
        build_batch_sampler(
            type="numel", batch_size=1, batch_bins=bins, shape_files=shapes
        )
    )
    model, _ = load_converted_model(str(folder / "seed.pt"))
    model.remove_pretraining_modules()
    model.feature_grad_mult = 1.0
    head = torch.nn.Linear(args.width, len(TOKENS))
    parameters = [*model.parameters(), *head.parameters()]
    optim = torch.optim.Adam(parameters)

    def train_epoch() -> None:
        model.train()
        random.shuffle(batches)
        loader = torch.utils.data.DataLoader(
            Noise(folder),
            batch_sampler=batches,
            collate_fn=collate,
            num_workers=args.num_workers,
        )
        for speech, lengths, text, text_lengths in loader:
            padding = torch.arange(speech.size(1)) >= lengths[:, None]
            found = model.extract_features(speech, padding)
            frames = model._get_feat_extract_output_lengths(lengths)
            log_probs = head(found["x"]).log_softmax(-1).transpose(0, 1)
            loss = torch.nn.functional.ctc_loss(log_probs, text, frames, text_lengths)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 5.0)
            optim.step()
            optim.zero_grad()

    timed = clock.time(train_epoch)
    for _ in range(args.epochs):
        timed()


class Clock:
    """Measures the wall time and processor time of each epoch."""

    def __init__(self) -> None:
        """Start with no epoch."""
        self.epochs: list[tuple[float, float]] = []

    def time(self, function):
        """Wrap the function that trains an epoch."""

        def call(*args, **kwargs):
            start = time.perf_counter(), used_processor_s()
            result = function(*args, **kwargs)
            end = time.perf_counter(), used_processor_s()
            self.epochs.append((end[0] - start[0], end[1] - start[1]))
            return result

        return call

    def watch(self, trainer) -> None:
        """Time the epochs of an ESPnet trainer."""
        trainer.train_one_epoch = self.time(trainer.train_one_epoch)


def used_processor_s() -> float:
    """Seconds that processors worked for this process and its ended children."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def work(system: str, folder: Path, exp: Path, args: argparse.Namespace, pipe) -> None:
    """Train in this process; send the times of the epochs after the first."""
    import torch

    from hamzaban.train.memory import keep_freed_memory

    warnings.simplefilter("ignore")
    logging.disable(logging.INFO)
    torch.set_num_threads(args.num_threads)
    torch.manual_seed(0)
    if system == "bare+":
        keep_freed_memory()
    clock = Clock()
    trains = {"hamzaban": train_hamzaban, "espnet": train_espnet}
    trains.get(system, train_bare)(folder, exp, args, clock)
    pipe.send(clock.epochs[1:])


def measure(folder: Path, args: argparse.Namespace) -> dict[str, list]:
    """Let each system train in turns; return the times of its epochs."""
    context = multiprocessing.get_context("fork")
    times: dict[str, list] = {system: [] for system in args.systems}
    for turn in range(args.rounds):
        for system in args.systems:
            ours, theirs = context.Pipe()
            exp = folder / f"{system}{turn}"
            process = context.Process(
                target=work, args=(system, folder, exp, args, theirs)
            )
            process.start()
            theirs.close()
            times[system] += ours.recv()
            process.join()
    return times


def report(times: dict[str, list], audio_s: float) -> None:
    """Print medians and ratios."""
    rates = {
        system: [
            statistics.median(audio_s / t for t in column)
            for column in zip(*rows, strict=True)
        ]
        for system, rows in times.items()
    }
    print("system        s/s by the clock      ratio   s/s of processors      ratio")
    for system, rate in rates.items():
        base = rates.get("bare", rate)
        cells = [f"{r:16.1f} {r / b:14.2f}" for r, b in zip(rate, base, strict=True)]
        print(f"{system:12s}{''.join(cells)}")


def main() -> None:
    """Measure and print."""
    args = get_parser().parse_args()
    from hamzaban import compat

    with compat.fast_imports():
        import hamzaban.asr.task  # noqa: F401
    if "espnet" in args.systems:
        import s3prl.nn  # noqa: F401
    import torch._dynamo

    torch.set_num_threads(1)  # a fork of a process with threads of OpenMP hangs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        audio_s = write_data(folder, args)
        print(f"{args.num_utts} utterances, {audio_s:.0f} s of audio")
        report(measure(folder, args), audio_s)


if __name__ == "__main__":
    main()
