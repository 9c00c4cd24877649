"""Find sentences and speakers that training and held-out sets share."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from hamzaban.data.files import read_scp
from hamzaban.fileio import atomic_text
from hamzaban.lm.leaks import Index, Match
from hamzaban.lm.text import load_normalizer, normalize, normalizer_id, read_plain

KINDS = ("exact", "near", "speakers")
MAX_SHOWN = 10
WHERE = (  # where reasons are read from unless --config names another file
    "conf/leaks.yaml, which stage 1 of a recipe reads (audit-leaks: --config FILE, or "
    "--allow_exact, --allow_near, --allow_speakers REASON)"
)
IN_LM = "the YAML of --config (in a recipe --lm_config)"
COLUMNS = ("kind", "role", "place", "held_out", "edits", "text", "held_out_text")


@dataclasses.dataclass(frozen=True)
class Texts:
    """The texts to compare.

    Attributes:
        train: Kaldi `text` files of training sets.
        valid: Kaldi `text` files of validation sets.
        test: Kaldi `text` files of test sets.
        lm: Files of plain sentences.
    """

    train: tuple[Path, ...] = ()
    valid: tuple[Path, ...] = ()
    test: tuple[Path, ...] = ()
    lm: tuple[Path, ...] = ()


@dataclasses.dataclass(frozen=True)
class Leak:
    """A sentence or a speaker that two sets share.

    Attributes:
        kind: The kind, one of KINDS.
        role: The roles of the two sets, such as `train-test`.
        place: File and line, or file and speaker, in the first set.
        held_out: File and utt_id, or file, in the second set.
        edits: Number of characters that differ.
        text: The sentence of the first set as it is compared, normalized.
        held_out_text: The sentence of the second set, normalized.
    """

    kind: str
    role: str
    place: str
    held_out: str
    edits: int = 0
    text: str = ""
    held_out_text: str = ""


def list_leaks(texts: Texts, lang: str | None = None, nj: int = 1) -> list[Leak]:
    """Compare valid and test with train, with texts of language models and each other.

    Args:
        texts: The files; a `utt2spk` beside a Kaldi `text` names its speakers.
        lang: Language whose normalizer is used; None leaves the text as it is.
        nj: Number of processes that normalize.

    Returns:
        Leaks of sentences, at most one for each line of a first file, then of speakers.

    Raises:
        FileNotFoundError: A file is missing.
    """
    normalizer = load_normalizer(lang)
    leaks = []
    held_out = {"valid": texts.valid, "test": texts.test}
    for role, paths in held_out.items():
        places = [(p, utt, text) for p in paths for utt, text in read_scp(p)]
        lines = list(normalize([text for *_, text in places], normalizer))
        index = Index(lines)
        sources = [("train", p) for p in texts.train] + [("lm", p) for p in texts.lm]
        if role == "test":
            sources += [("valid", p) for p in texts.valid]
        for source, path in sources:
            for match, line in _search(index, source, path, (normalizer, nj)):
                file, utt_id, _ = places[match.sentence]
                leak = Leak(
                    "near" if match.distance else "exact",
                    f"{source}-{role}",
                    f"{path}:{match.line}",
                    f"{file} {utt_id}",
                    match.distance,
                    line,
                    lines[match.sentence],
                )
                leaks.append(leak)
    logging.info("texts are compared after normalizer %s", normalizer_id(normalizer))
    return leaks + list_shared_speakers(texts)


def _search(
    index: Index, source: str, path: Path, how: tuple[object, int]
) -> Iterator[tuple[Match, str]]:
    lines = read_plain(path) if source == "lm" else (t for _, t in read_scp(path))
    held: dict[int, str] = {}

    def remember() -> Iterator[str]:
        for number, line in enumerate(normalize(lines, *how), 1):
            held[number] = line
            yield line

    last = 0
    for match in index.search(remember()):
        for number in range(last + 1, match.line):
            held.pop(number, None)
        last = match.line
        yield match, held[match.line]


def list_shared_speakers(texts: Texts) -> list[Leak]:
    """Return the speakers that are in two of train, valid and test.

    A set without `utt2spk` is not compared, and the log says so.
    """
    roles = {"train": texts.train, "valid": texts.valid, "test": texts.test}
    speakers: dict[str, dict[str, Path]] = {role: {} for role in roles}
    for role, paths in roles.items():
        for path in paths:
            utt2spk = path.parent / "utt2spk"
            if not utt2spk.is_file():
                logging.warning("%s: missing; its speakers are not compared", utt2spk)
                continue
            found = {spk: utt2spk for _, spk in read_scp(utt2spk)}
            speakers[role] = found | speakers[role]
    return [
        Leak("speakers", f"{one}-{two}", f"{speakers[one][spk]} {spk}", str(path))
        for one, two in (("train", "valid"), ("train", "test"), ("valid", "test"))
        for spk, path in sorted(speakers[two].items())
        if spk in speakers[one]
    ]


def write_leaks(leaks: Sequence[Leak], path: str | Path) -> None:
    """Write leaks as a tab-separated table with a line of column names."""
    with atomic_text(path) as f:
        f.write("\t".join(COLUMNS) + "\n")
        for leak in leaks:
            f.write("\t".join(str(v) for v in dataclasses.astuple(leak)) + "\n")


def check_leaks(
    leaks: Sequence[Leak], allowed: dict[str, str], where: str = WHERE
) -> None:
    """Log leaks, and refuse those for which no reason is given.

    Args:
        leaks: The leaks from `list_leaks`.
        allowed: The reason for each kind of leak that is acceptable in this corpus.
        where: The file of the reasons, for the message.

    Raises:
        ValueError: There is a leak of a kind that is not allowed.
    """
    refused = []
    for kind in KINDS:
        found = [leak for leak in leaks if leak.kind == kind]
        if not found:
            continue
        reason = allowed.get(kind, "").strip()
        if reason:
            what = kind.removesuffix("s")
            logging.warning("%d %s leaks, allowed: %s", len(found), what, reason)
            continue
        refused.append(f"{len(found)} {kind}")
        for leak in found[:MAX_SHOWN]:
            logging.error("leak: %s", _describe(leak))
        if len(found) > MAX_SHOWN:
            logging.error("leak: and %d more %s", len(found) - MAX_SHOWN, kind)
    if refused:
        kinds = [kind for kind in KINDS if any(f" {kind}" in each for each in refused)]
        leak = next(leak for leak in leaks if leak.kind == kinds[0])
        reasons = ", ".join(f"{kind}: REASON" for kind in kinds)
        raise ValueError(
            f"{leak.place}: leaks found between training and held-out sets: "
            f"{', '.join(refused)}, the first with {leak.held_out}; {_mend(leak)}"
            f", or say why they may stay by the line `allow_leaks: {{{reasons}}}` in "
            f"{where}"
        )
    logging.info("no leaks other than those allowed")


def _mend(leak: Leak) -> str:
    """Return what to do about a leak in the files that the user owns."""
    if leak.kind == "speakers":
        return (
            "change the split in your own table, from which this file is made, or let "
            "`import-data --keep_speakers false` leave them out of train (in a recipe "
            'of your own: --local_data_opts "--keep_speakers false")'
        )
    if leak.role.startswith("lm-"):
        return "take those lines out of that text"
    return (
        "take those sentences out of your own table, from which this file is made "
        "(`import-data` does so for train unless --keep_shared is true)"
    )


def _describe(leak: Leak) -> str:
    """Return a description of a leak, which calls only equal sentences equal."""
    if leak.kind == "speakers":
        return f"{leak.role} {leak.kind}: {leak.place} is also in {leak.held_out}"
    equals = f"nearly equals ({leak.edits} edits)" if leak.edits else "equals"
    texts = [leak.text] + [leak.held_out_text] * bool(leak.edits)
    shown = f": {' / '.join(texts)}" if any(texts) else ", which have no words"
    return f"{leak.role} {leak.kind}: {leak.place} {equals} {leak.held_out}{shown}"
