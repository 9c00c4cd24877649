"""What the sets of a user's own corpus would share, before anything is written."""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

from hamzaban.ingest.arrow import list_arrow_files
from hamzaban.ingest.importing import Corpus, ImportOptions
from hamzaban.ingest.plan import can_use, make_plan
from hamzaban.ingest.select import SETS
from hamzaban.ingest.sources import has_table, open_source
from hamzaban.ingest.utterances import clean_id


def survey_corpus(path: Path, options: ImportOptions) -> list[str]:
    """Read a corpus and return sentences on the speakers that its sets share.

    Audio is not looked for. Parquet and Arrow files are not read, since their audio
    would have to be unpacked first.

    Args:
        path: The corpus, in any form that `import_corpus` reads.
        options: As for `import_corpus`.

    Raises:
        FileNotFoundError: There is nothing that can be read.
        ValueError: A value cannot be read, or there is too little to split.
    """
    is_folder = path.is_dir() and not has_table(path)
    if path.suffix in (".parquet", ".arrow") or (is_folder and list_arrow_files(path)):
        return []
    corpus = Corpus(open_source(path), options)
    plan = make_plan(
        corpus.read,
        path,
        ignore_split=options.ignore_split,
        shares=options.shares,
        seed=options.seed,
    )
    speakers: dict[str, set[str]] = {name: set() for name in SETS}
    for item in filter(can_use, corpus.read()):
        if item.speaker:
            speakers[plan.set_of(item)].add(clean_id(item.speaker))
    return list(_describe(speakers))


def _describe(speakers: Mapping[str, set[str]]) -> Iterator[str]:
    for one, two in itertools.combinations(SETS, 2):
        shared = sorted(speakers[one] & speakers[two])
        if shared:
            noun = "speaker is" if len(shared) == 1 else "speakers are"
            yield f"{len(shared)} {noun} in both {one} and {two}, such as {shared[0]}"
