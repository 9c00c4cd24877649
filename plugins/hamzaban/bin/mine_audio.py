"""Find speech in media files and write it as a data directory.

It reads files of any format and length, folders, patterns ('talks/**/*.mp3') and lists
of these. It cuts speech into chunks at pauses and drops repeated chunks. If
it is killed, run it again: it continues where it stopped. conf/mine.yaml describes the
values of --config.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import add_nj
from hamzaban.launch.sharding import add_shard_options, is_divided, run_shards

GROUP = "audio"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of this verb."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("media", nargs="*", help="files, folders or glob patterns")
    add(
        "--media_list",
        type=Path,
        action="append",
        default=[],
        help="file with a file, folder or pattern on each line",
    )
    add("--output_dir", type=Path, required=True, help="folder to write")
    add("--config", type=Path, required=True, help="conf/mine.yaml, or one based on it")
    add_nj(parser)
    add_shard_options(parser)
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Run the verb; see the module's docstring."""
    args = get_parser().parse_args(cmd)
    if not args.media and not args.media_list:
        raise ValueError("no media; name files, directories, patterns or --media_list")
    from hamzaban.mine.mining_options import read_options
    from hamzaban.mine.shards import find_incomplete, mine_shard
    from hamzaban.mine.stage import mine

    options = read_options(args.config)
    media = (args.media, args.media_list, args.output_dir, options)
    if args.shard is not None:
        mine_shard(*media, args.shard, nj=args.nj)
        return 0
    if is_divided(args):
        left = find_incomplete(*media, args.shards)
        run_shards("mine-audio", list(cmd or []), args, args.output_dir, left)
    print(mine(*media, nj=args.nj))
    return 0
