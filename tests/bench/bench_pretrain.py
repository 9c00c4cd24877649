"""Updates per second of our pretraining step and of a plain loop of transformers.

Both train the same architecture on the same batches of noise, each in a process of its
own, in turns; the medians and their ratio are printed, by the clock and by the time
the processor worked (which other programs disturb less). A step holds all that is done
for a batch: masks, negatives, forward, backward, clipping, optimizer.
"""

import argparse
import multiprocessing
import statistics
import time
import warnings
from collections.abc import Callable

NUM_NEGATIVES, MASK_PROB, MASK_LENGTH = 100, 0.65, 10
LOOPS = ("hamzaban", "transformers")


def get_parser() -> argparse.ArgumentParser:
    """Build the parser."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--batch_size", type=int, default=16)
    parser.add_argument("--duration_s", type=float, default=4.0)
    parser.add_argument("--width", type=int, default=128, help="of the transformer")
    parser.add_argument("--channels", type=int, default=64, help="of the convolutions")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--entries", type=int, default=64, help="of each codebook")
    parser.add_argument("--attention_dropout", type=float, default=0.1)
    parser.add_argument("--num_threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=10, help="timed turns of each")
    parser.add_argument("--steps", type=int, default=2, help="updates in a turn")
    return parser


def make_hamzaban(args: argparse.Namespace) -> Callable:
    """Return one update of our step on a batch (B, S)."""
    import torch

    from hamzaban.pretrain.model import LossOptions, PretrainModel
    from hamzaban.train.memory import keep_freed_memory
    from hamzaban.wav2vec2.config import make_model_cfg

    keep_freed_memory()
    channels = args.channels
    convs = f"[({channels}, 10, 5)] + [({channels}, 3, 2)] * 4"
    cfg = {
        "conv_feature_layers": f"{convs} + [({channels}, 2, 2)] * 2",
        "encoder_layers": args.layers,
        "encoder_embed_dim": args.width,
        "encoder_ffn_embed_dim": 4 * args.width,
        "encoder_attention_heads": 4,
        "attention_dropout": args.attention_dropout,
        "dropout_input": 0.1,
        "dropout_features": 0.1,
        "final_dim": args.width // 2,
        "latent_vars": args.entries,
    }
    model = PretrainModel(make_model_cfg(cfg, "bench"), LossOptions()).train()
    optim = torch.optim.Adam(model.parameters(), 5e-4, fused=True)
    lengths = torch.full((args.batch_size,), int(args.duration_s * 16000))

    def step(speech: torch.Tensor) -> None:
        update(model(speech, lengths)["loss"], model, optim)

    return step


def make_transformers(args: argparse.Namespace) -> Callable:
    """Return one update of transformers' model, as its example script makes it."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2ForPreTraining
    from transformers.models.wav2vec2 import modeling_wav2vec2 as hf

    config = Wav2Vec2Config(
        conv_dim=[args.channels] * 7,
        num_hidden_layers=args.layers,
        hidden_size=args.width,
        intermediate_size=4 * args.width,
        num_attention_heads=4,
        attention_dropout=args.attention_dropout,
        hidden_dropout=0.1,
        activation_dropout=0.0,
        feat_proj_dropout=0.1,
        feat_quantizer_dropout=0.1,
        layerdrop=0.0,
        num_codevectors_per_group=args.entries,
        codevector_dim=args.width // 2,
        proj_codevector_dim=args.width // 2,
        num_negatives=NUM_NEGATIVES,
    )
    model = Wav2Vec2ForPreTraining(config).train()
    optim = torch.optim.Adam(model.parameters(), 5e-4)
    frames = int(model._get_feat_extract_output_lengths(int(args.duration_s * 16000)))
    shape = (args.batch_size, frames)

    def step(speech: torch.Tensor) -> None:
        mask = hf._compute_mask_indices(shape, MASK_PROB, MASK_LENGTH, min_masks=2)
        negatives = hf._sample_negative_indices(shape, NUM_NEGATIVES, mask)
        masked = torch.from_numpy(mask)
        output = model(
            speech,
            mask_time_indices=masked,
            sampled_negative_indices=torch.from_numpy(negatives),
        )
        update(output.loss / masked.sum(), model, optim)

    return step


def update(loss, model, optim) -> None:
    """Backward, clipping and optimizer step."""
    import torch

    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
    optim.step()
    optim.zero_grad()


def work(name: str, args: argparse.Namespace, pipe) -> None:
    """Run a turn of updates for each message; answer with the seconds per update."""
    warnings.simplefilter("ignore")
    import torch

    torch.set_num_threads(args.num_threads)
    torch.manual_seed(0)
    make = {"hamzaban": make_hamzaban, "transformers": make_transformers}[name]
    step = make(args)
    speech = torch.randn(args.batch_size, int(args.duration_s * 16000))
    for _ in range(2):
        step(speech)
    pipe.send("ready")
    while pipe.recv():
        start = time.perf_counter(), time.process_time()
        for _ in range(args.steps):
            step(speech)
        end = time.perf_counter(), time.process_time()
        pipe.send([(b - a) / args.steps for a, b in zip(start, end, strict=True)])


def measure(args: argparse.Namespace) -> dict[str, list[list[float]]]:
    """Let both loops work in turns; return wall and processor seconds per update."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = {}, []
    for name in LOOPS:
        pipes[name], other = context.Pipe()
        processes.append(context.Process(target=work, args=(name, args, other)))
        processes[-1].start()
        pipes[name].recv()
    seconds: dict[str, list[list[float]]] = {name: [] for name in LOOPS}
    for _ in range(args.rounds):
        for name in LOOPS:
            pipes[name].send(True)
            seconds[name].append(pipes[name].recv())
    for name, process in zip(LOOPS, processes, strict=True):
        pipes[name].send(False)
        process.join()
    return seconds


def main() -> None:
    """Print the medians and their ratio."""
    args = get_parser().parse_args()
    seconds = measure(args)
    audio = args.batch_size * args.duration_s
    print(
        f"batch {args.batch_size} x {args.duration_s} s, {args.channels} channels, "
        f"{args.layers} layers of {args.width}, {args.num_threads} threads"
    )
    for index, kind in enumerate(("clock", "processor")):
        turns = {name: [turn[index] for turn in seconds[name]] for name in LOOPS}
        for name, values in turns.items():
            median = statistics.median(values)
            print(
                f"{kind:<9} {name:<12} {median:.3f} s an update ({min(values):.3f} to "
                f"{max(values):.3f}), {audio / median:.0f} s of audio a second"
            )
        ratios = [b / a for a, b in zip(*turns.values(), strict=True)]
        print(f"{kind:<9} transformers / hamzaban {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
