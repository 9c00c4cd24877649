"""The record of leaks that a recipe allows, which its results and its report repeat."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hamzaban.data.files import read_scp
from hamzaban.fileio import atomic_text, read_json

if TYPE_CHECKING:
    from hamzaban.lm.audit import Leak, Texts

_REMEDY = "run stage 1 again"


@dataclass(frozen=True)
class Shared:
    """Leaks of one kind between two sets.

    Attributes:
        kind: `exact` or `near` for sentences, `speakers`.
        source: The first set, such as `data/train`.
        held_out: The second set; several are joined by a comma.
        num: Speakers shared, or lines of the first set that say a held-out sentence.
        num_utts: Utterances concerned: for speakers those of the second set, for
            sentences those of the first.
        total: Utterances of the set that `num_utts` counts.
        reason: Why they may stay.
        where: File or option that holds the reason.
    """

    kind: str
    source: str
    held_out: str
    num: int
    num_utts: int
    total: int
    reason: str
    where: str

    def __str__(self) -> str:
        """Describe it in a sentence."""
        count = f"{self.num_utts} of {self.total} utterances"
        if self.kind == "speakers":
            noun = "speaker is" if self.num == 1 else "speakers are"
            found = f"{self.num} {noun} in both {self.source} and {self.held_out}"
            found += f" ({count} of {self.held_out})"
        else:
            equal = "nearly equal" if self.kind == "near" else "equal"
            found = f"{count} of {self.source} {equal} a sentence of {self.held_out}"
        return f"{found}; allowed by {self.where}: {self.reason}"


def summarize_leaks(
    leaks: Sequence[Leak], texts: Texts, reasons: Mapping[str, tuple[str, str]]
) -> list[Shared]:
    """Count allowed leaks by kind and by the two sets that share them.

    Args:
        leaks: The leaks from `list_leaks`.
        texts: The files that were compared.
        reasons: For each kind the reason, and the file or option that holds it.
    """
    found = []
    for kind, role in dict.fromkeys((leak.kind, leak.role) for leak in leaks):
        first, second = (getattr(texts, name) for name in role.split("-"))
        chosen = [k for k in leaks if (k.kind, k.role) == (kind, role)]
        if kind == "speakers":
            shared = {leak.place.rpartition(" ")[2] for leak in chosen}
            speakers = [s for path in second for s in _read_speakers(path)]
            counts = sum(spk in shared for spk in speakers), len(speakers)
        else:
            counts = len(chosen), sum(map(_count_lines, first))
        names = _name_sets(first), _name_sets(second)
        found.append(Shared(kind, *names, len(chosen), *counts, *reasons[kind]))
    return found


def write_shared(shared: Sequence[Shared], path: Path) -> None:
    """Write the record, a JSON file."""
    with atomic_text(path) as stream:
        json.dump(
            {"allowed": [asdict(one) for one in shared]},
            stream,
            ensure_ascii=False,
            indent=1,
        )
        stream.write("\n")


def read_shared(paths: Iterable[Path]) -> list[Shared]:
    """Read records.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A file is not such a record.
    """
    found = []
    for path in paths:
        try:
            found += [Shared(**one) for one in read_json(path, _REMEDY)["allowed"]]
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"{path}: found no record of allowed leaks, expected that of "
                f"audit-leaks; {_REMEDY}"
            ) from error
    return found


def _name_sets(paths: Sequence[Path]) -> str:
    """Return the data directories of Kaldi texts, and plain files as they are."""
    return ", ".join(str(p.parent if p.name == "text" else p) for p in paths)


def _read_speakers(text: Path) -> list[str]:
    utt2spk = text.parent / "utt2spk"
    return [spk for _, spk in read_scp(utt2spk)] if utt2spk.is_file() else []


def _count_lines(path: Path) -> int:
    from hamzaban.lm.text import read_plain

    return sum(1 for _ in read_plain(path))
