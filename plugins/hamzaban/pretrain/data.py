"""Select the data of a pretraining run: utterances, replayed and labelled speech."""

import argparse
import logging
from pathlib import Path

from hamzaban.data.files import read_scp
from hamzaban.fileio import atomic_text
from hamzaban.pretrain.batching import select_utterances
from hamzaban.text.make_tokens import make_char, read_texts
from hamzaban.wav2vec2.frames import parse_conv_layers

LENGTHS = "utt2num_samples"


def select_data(args: argparse.Namespace) -> None:
    """Leave out utterances that are too short; change the options accordingly.

    Args:
        args: Options of the task; the shape files are replaced by those of
            `<output_dir>/data`. With `replay_dir`, the audio of both sets is listed in
            one file there.

    Raises:
        FileNotFoundError: A directory lacks a file.
        ValueError: Too many utterances are too short, or two have the same utt_id.
    """
    for part in ("train", "valid"):
        files = getattr(args, f"{part}_shape_file")
        for index, file in enumerate(files):
            files[index] = _select(args, file, f"{part}_speech_shape{index}")
    if args.replay_dir is not None:
        check_share(args)
        _select(args, find_file(args.replay_dir, LENGTHS), "replay_speech_shape")
        (path, name, kind), *_ = args.train_data_path_and_name_and_type
        target = Path(args.output_dir) / "data" / "train_wav.scp"
        join_scp([path, find_file(args.replay_dir, "wav.scp")], target)
        args.train_data_path_and_name_and_type = [(str(target), name, kind)]
    for name, folder in (args.probes or {}).items():
        _select(args, find_file(folder, LENGTHS), f"probe_{name}_speech_shape")


def fill_token_list(args: argparse.Namespace) -> None:
    """Make the list of characters of `labelled_dir`, if none is given.

    A resumed run keeps its list, which its weights belong to.

    Args:
        args: Options of the task; `token_list` becomes
            `<output_dir>/token_list/char/tokens.txt`.

    Raises:
        FileNotFoundError: `labelled_dir` has no text.
        ValueError: A character of the text cannot be a token, or the text is empty.
    """
    if args.labelled_dir is None or args.token_list is not None:
        return
    text = find_file(args.labelled_dir, "text")
    output_dir = Path(args.output_dir)
    target = output_dir / "token_list" / "char" / "tokens.txt"
    args.token_list = str(target)
    weights = [output_dir / name for name in ("checkpoint.pth", "partial.pth")]
    if args.resume and target.is_file() and any(path.is_file() for path in weights):
        return
    tokens = make_char(read_texts([text]), target.parent)
    logging.info(f"{target}: {len(tokens)} tokens of {text}")


def shape_file(args: argparse.Namespace, name: str) -> str:
    """Return the path of a shape file that `select_data` wrote."""
    return str(Path(args.output_dir) / "data" / f"{name}_speech_shape")


def read_lengths(path: str | Path) -> dict[str, int]:
    """Return the samples of each utterance from a shape file."""
    return {utt_id: int(shape.split(",")[0]) for utt_id, shape in read_scp(path)}


def find_file(folder: str | Path, name: str) -> str:
    """Return the path of a file of a data directory.

    Raises:
        FileNotFoundError: There is no such file.
    """
    path = Path(folder) / name
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file; expected a data directory that hamzaban "
            "format-audio or combine-data wrote"
        )
    return str(path)


def check_share(args: argparse.Namespace) -> None:
    """Check `replay_share`; a value outside of 0..1 is a ValueError."""
    if not 0 < args.replay_share < 1:
        raise ValueError(
            f"replay_share is {args.replay_share}, expected more than 0 and less than "
            "1 with replay_dir; correct it"
        )


def join_scp(sources: list[str], target: Path) -> None:
    """Write the lines of several wav.scp as one file.

    Raises:
        ValueError: An utterance is in two of them.
    """
    seen: set[str] = set()
    with atomic_text(target) as out:
        for source in sources:
            for utt_id, value in read_scp(source):
                if utt_id in seen:
                    raise ValueError(
                        f"{source}: utt_id {utt_id} is in {sources[0]} as well; rename "
                        "the utterances of one of them with copy-data"
                    )
                seen.add(utt_id)
                out.write(f"{utt_id} {value}\n")
    logging.info(f"{target}: {len(seen)} utterances of {len(sources)} sets")


def _select(args: argparse.Namespace, file: str, name: str) -> str:
    field, hop = 1, 1
    for kernel, stride in parse_conv_layers(args.model_cfg["conv_feature_layers"]):
        field, hop = field + (kernel - 1) * hop, hop * stride
    needed = field + (args.model_cfg["mask_length"] + 1) * hop
    target = Path(args.output_dir) / "data" / name
    select_utterances(
        file,
        target,
        min_samples=max(needed, args.task_cfg["min_sample_size"] or 0),
        max_samples=args.task_cfg["max_sample_size"],
        max_drop=args.max_drop,
    )
    return str(target)
