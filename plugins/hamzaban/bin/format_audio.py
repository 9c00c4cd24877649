"""Write the audio of a data directory as 16-bit mono files of one sample rate.

It reads what wav.scp names (audio files of any format, archives, commands), cuts it by
segments and resamples it. On request it changes the speed and adds noise and room
acoustics. It drops utterances that cannot be trained on. If it is killed, run it again:
it continues where it stopped.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hamzaban.cli import add_nj, finite_float, float_or_inf, str2bool
from hamzaban.launch.sharding import add_shard_options, is_divided, run_shards
from hamzaban.verb_help import OptionHelp

GROUP = "audio"
NOT_IN_CONFIG = ("help", "config", "shards", "shard", "backend", "backend_conf", "log")
PAIRS = ("snr_db", "num_noises")  # options that a YAML may give as a list of two

if TYPE_CHECKING:
    from hamzaban.audio.format_options import FormatOptions, NoiseOptions


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of this verb."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionHelp)
    add = parser.add_argument
    add("data_dir", type=Path, help="data directory to read")
    add("out_dir", type=Path, help="data directory to write, such as dump/raw/train")
    add("--config", type=Path, help="YAML with values of the options below")
    add(
        "--fs", type=rate, default=16000, help="sample rate to write, Hz; 16k works too"
    )
    add_nj(parser)
    add_shard_options(parser)
    add("--audio_format", default="flac", help="flac or wav")
    add(
        "--channel",
        type=channel,
        default="mix",
        help="mix, or the number of a channel from 0",
    )
    add("--speed_perturb_factors", default="", help="speeds, such as '0.9 1.0 1.1'")
    add_limits(parser)
    add("--allow_pipes", type=str2bool, default=False, help="run commands in wav.scp")
    add(
        "--is_validated",
        type=str2bool,
        default=False,
        help="do not count again what validate-data has counted: recordings whose "
        "header states a wrong length",
    )
    add_noise_options(parser)
    return parser


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add the limits of the utterances that are kept."""
    add = parser.add_argument
    add(
        "--min_duration_s",
        type=finite_float,
        default=0.1,
        help="drop utterances of this duration or less",
    )
    add(
        "--max_duration_s",
        type=float_or_inf,
        default=32.0,
        help="drop utterances of this duration or more",
    )
    add(
        "--silence_db",
        type=float_or_inf,
        default=-80.0,
        help="drop utterances of this level or less, dBFS",
    )
    add(
        "--max_drop",
        type=finite_float,
        default=0.05,
        help="largest share of utterances that may be dropped",
    )


def add_noise_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for noise and rooms."""
    add = parser.add_argument
    lists = "each line is a path or `id path`"
    add("--noise_list", type=Path, help=f"list of noises to add; {lists}")
    add("--rir_list", type=Path, help=f"list of room impulse responses to add; {lists}")
    add("--snr_db", default="5 20", help="signal-to-noise ratio in dB, or its bounds")
    add(
        "--num_noises",
        default="1",
        help="number of noises to sum, or its bounds; 3 7 for babble",
    )
    add(
        "--noise_prob",
        type=finite_float,
        default=1.0,
        help="share of utterances with noise",
    )
    add(
        "--rir_prob",
        type=finite_float,
        default=1.0,
        help="share of utterances with a room",
    )
    add(
        "--noisy_copies",
        type=int,
        default=0,
        help="copies beside each clean utterance; 0 changes the utterance itself",
    )
    add("--noise_seed", type=int, default=0, help="random seed of noises and rooms")
    add("--add_noise", type=str2bool, default=True, help="false: ignore the lists")


def main(cmd: Sequence[str] | None = None) -> int:
    """Run the verb; see the module's docstring."""
    parser = get_parser()
    args = parser.parse_args(cmd)
    if args.config is not None:
        parser.set_defaults(**read_values(args.config, parser))
        args = parser.parse_args(cmd)
    from hamzaban.audio.stage import begin, format_audio, format_shard

    try:
        options = read_options(args)
    except ValueError as error:
        if args.config is None:
            raise
        raise ValueError(f"{args.config} or the command line: {error}") from error
    folders = (args.data_dir, args.out_dir, options)
    how = {"nj": args.nj, "is_validated": args.is_validated}
    if args.shard is not None:
        format_shard(*folders, args.shard, **how)
        return 0
    if is_divided(args):
        begin(args.data_dir, args.out_dir, options)
        run_shards("format-audio", list(cmd or []), args, args.out_dir)
    format_audio(*folders, max_drop=args.max_drop, **how)
    return 0


def read_options(args: argparse.Namespace) -> "FormatOptions":
    """Return the options of formatting, checked."""
    from hamzaban.audio.format_options import FormatOptions, parse_factors

    return FormatOptions(
        fs=args.fs,
        audio_format=args.audio_format,
        channel=args.channel,
        speed_factors=parse_factors(args.speed_perturb_factors),
        min_duration_s=args.min_duration_s,
        max_duration_s=args.max_duration_s,
        silence_db=args.silence_db,
        allow_pipes=args.allow_pipes,
        noise=read_noise(args) if args.add_noise else None,
    )


def read_noise(args: argparse.Namespace) -> "NoiseOptions | None":
    """Return the options for noise and rooms, lists checked; None without a list."""
    from hamzaban.audio.format_options import NoiseOptions, parse_range
    from hamzaban.audio.noise import prepare_noise

    few, many = parse_range("num_noises", args.num_noises)
    options = NoiseOptions(
        noise_list=args.noise_list,
        rir_list=args.rir_list,
        snr_db=parse_range("snr_db", args.snr_db),
        num_noises=(int(few), int(many)),
        noise_prob=args.noise_prob,
        rir_prob=args.rir_prob,
        copies=args.noisy_copies,
        seed=args.noise_seed,
    )
    return prepare_noise(options)


def read_values(path: Path, parser: argparse.ArgumentParser) -> dict[str, Any]:
    """Read values of options from a YAML as if the command line gave them.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: An option is unknown, or its value is not understood.
    """
    from hamzaban.config import check_names, read_config

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such YAML; correct --config")
    actions = {
        action.dest: action
        for action in parser._actions
        if action.option_strings and action.dest not in NOT_IN_CONFIG
    }
    values = {}
    given = read_config(path)[0]
    check_names(given, sorted(actions), str(path))
    for name, value in given.items():
        if value is None:
            continue
        convert = actions[name].type or str
        try:
            if isinstance(value, dict | list) and name not in PAIRS:
                raise ValueError(f"{value!r} found, expected a single value")
            values[name] = convert(str(value))  # type: ignore[operator]
        except (ValueError, argparse.ArgumentTypeError) as error:
            raise ValueError(f"{path}: {name}: {error}; correct it") from error
    return values


def rate(text: str) -> int:
    """Read a sample rate in Hz, such as 16000 or 16k."""
    factor = 1000 if text.endswith("k") else 1
    return round(finite_float(text.removesuffix("k")) * factor)


def channel(text: str) -> int | None:
    """Return the number of a channel from 0, or None for `mix`."""
    return None if text == "mix" else int(text)
