"""Write a config of train-asr as one file, its model fit for a trained one's weights.

Where training begins with those (--start source), the parts of the model and their
sizes are taken from its config.yaml; how they are trained stays as the config
says. With --start random nothing is taken.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

GROUP = "run"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--source_exp", type=Path, required=True, help="exp/asr_<tag> of train-asr")
    add(
        "--start",
        choices=("source", "random"),
        default="source",
        help="the weights that training begins with (default: %(default)s)",
    )
    add("config", type=Path, help="YAML, may have `base: PATH`")
    add("output", type=Path, help="YAML to write")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Write the config; an output that would be the same is left alone."""
    args = get_parser().parse_args(cmd)
    from hamzaban.config import read_config, write_config
    from hamzaban.pseudo.architecture import read_source, take_architecture

    source = read_source(args.source_exp)
    values, files = read_config(args.config)
    comment = "Made from " + ", then ".join(str(file) for file in files)
    if args.start == "source":
        values = take_architecture(values, source)
        comment += f"; the model's parts are those of {args.source_exp}"
    write_config(values, args.output, comment)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
