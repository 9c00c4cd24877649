"""Mining divided among jobs: each mines its share of the media, the last run writes.

A job writes only the records and chunks of its media, whose names depend on nothing
else. The run that writes the data directory finds them, as a rerun does.
"""

from collections.abc import Sequence
from pathlib import Path

from hamzaban.launch.sharding import Shard, shard_of
from hamzaban.mine.mining_options import MineOptions
from hamzaban.mine.mining_state import load_part
from hamzaban.mine.part_jobs import mine_parts, plan_parts
from hamzaban.mine.sources import SourceJob, list_media, read_source
from hamzaban.mine.stage import look_at_all, prepare


def mine_shard(
    inputs: Sequence[str],
    lists: Sequence[Path],
    out_dir: Path,
    options: MineOptions,
    shard: Shard,
    *,
    nj: int = 1,
) -> None:
    """Mine the media of a shard, without writing the data directory.

    Args:
        inputs, lists: All media; see `list_media`.
        out_dir: The output folder of all shards.
        options: The values of conf/mine.yaml.
        shard: The shard; the path of a file, as it is found, decides where it belongs.
        nj: Number of processes.

    Raises:
        FileNotFoundError: An input or silero-vad is missing.
        ValueError: No media were found.
    """
    paths = list_media(inputs, lists, options, out_dir)
    prepare(out_dir, options)
    ours = [path for path in paths if shard.holds(path)]
    sources = look_at_all(ours, out_dir, options, nj)
    mine_parts(plan_parts(sources, out_dir, options), out_dir, options, nj)


def find_incomplete(
    inputs: Sequence[str],
    lists: Sequence[Path],
    out_dir: Path,
    options: MineOptions,
    count: int,
) -> set[int]:
    """Return the numbers of the shards with media that are not mined completely.

    Args:
        inputs, lists, out_dir, options: As for `mine_shard`.
        count: Number of shards.
    """
    incomplete = set()
    sources = []
    for path in list_media(inputs, lists, options, out_dir):
        source = read_source(SourceJob(path, out_dir / "state", options))
        if source is None:
            incomplete.add(shard_of(path, count))
        else:
            sources.append(source)
    for mined in plan_parts(sources, out_dir, options):
        if any(load_part(job.record) is None for job in mined.jobs):
            incomplete.add(shard_of(mined.source.path, count))
    return incomplete
