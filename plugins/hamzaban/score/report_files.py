"""Write the further report files of sclite: sum, rsum, pra, prf, dtl, sgml, lur."""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hamzaban.fileio import atomic_text
from hamzaban.score.files import format_title
from hamzaban.score.label_report import Labels, format_labels, read_labels
from hamzaban.score.sclite import (
    Cells,
    Scored,
    format_alignments,
    format_utterance,
    open_gaps,
)
from hamzaban.score.scoring import Scoring
from hamzaban.score.summary import format_table, round_percent
from hamzaban.score.trn import get_speaker
from hamzaban.score.word_marks import NO_MARKS, Marks

# The end of each file's name after `hyp.trn.`, by its name in `sclite -o`.
SUFFIXES: Mapping[str, str] = {
    "sum": "sys",
    "rsum": "raw",
    "pra": "pra",
    "prf": "prf",
    "dtl": "dtl",
    "sgml": "sgml",
    "lur": "lur",
}
REF, HYP = "ref.trn", "hyp.trn"


@dataclass(frozen=True)
class Source:
    """What the reports describe.

    Attributes:
        scored: Aligned utterances.
        title: Name of the system.
        marks: Which marks of words have a meaning.
        labels: Labels of an stm, for lur.
    """

    scored: Scored
    title: str = HYP
    marks: Marks = NO_MARKS
    labels: Labels = field(default_factory=Labels)


def parse_outputs(text: str) -> list[str]:
    """Return the names in a list such as `sum,dtl`; `all` stands for every name.

    Raises:
        ValueError: A name is unknown.
    """
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in SUFFIXES and name != "all":
            raise ValueError(
                f"--outputs '{name}' is unknown; known: all, {', '.join(SUFFIXES)}"
            )
    return list(SUFFIXES) if "all" in names else list(dict.fromkeys(names))


def write_outputs(source: Source, names: Sequence[str], folder: Path) -> None:
    """Write reports to `hyp.trn.<suffix>` of a folder; remove those not asked for.

    Args:
        source: What the reports describe.
        names: Names in `SUFFIXES`.
        folder: Folder with ref.trn and hyp.trn.
    """
    for name, suffix in SUFFIXES.items():
        path = folder / f"{HYP}.{suffix}"
        if name not in names:
            path.unlink(missing_ok=True)
            continue
        with atomic_text(path, sync=False) as stream:
            stream.writelines(_WRITERS[name](source))


def write_reports(
    args: argparse.Namespace,
    scoring: Scoring,
    scores: Mapping[str, tuple[str, Scored]],
) -> None:
    """Write the reports that --outputs names for each kind of score.

    Args:
        args: Options of score-text.
        scoring: How words were compared.
        scores: Id of the normalizer and scores of each kind.
    """
    names = parse_outputs(args.outputs)
    labels = Labels()
    if args.ref.suffix.lower() == ".stm" and "lur" in names:
        labels = read_labels(args.ref, case_sensitive=scoring.case == "kept")
    for kind, (normalizer, scored) in scores.items():
        title = format_title(normalizer + scoring.suffix)
        source = Source(scored, title, scoring.marks, labels)
        write_outputs(source, names, args.output_dir / f"score_{kind}")


def _format_sum(source: Source, *, raw: bool) -> Iterator[str]:
    scored = source.scored
    counts = scored.count_by_speaker()
    yield format_table(source.title, list(scored.groups), counts, raw=raw)


def _format_pra(source: Source) -> Iterator[str]:
    return format_alignments(source.scored, source.title)


def _format_prf(source: Source) -> Iterator[str]:
    """Yield alignments in the order of the file, below a head that names the files."""
    scored = source.scored
    yield "NIST_TEXT_ALIGNMENT\nVERSION 0.1\n\n\n\t\tDUMP OF SYSTEM ALIGNMENT STRUCTURE"
    yield f"\n\nSystem name:   {source.title}\nRef file:      {REF}\n"
    yield f'Hyp file:      {HYP}\nCreation date: "{time.ctime()}"\n'
    yield "Fragment Correct Flag Set\n" if source.marks.fragments else ""
    yield "Optionally Deletable Flag Set\n" if source.marks.optional else ""
    yield f"\nSpeaker Count: {len(scored.groups)}\nSpeakers: \n"
    yield from (f"   {s:2d}:  {name}\n" for s, name in enumerate(scored.groups))
    yield "\n\n"
    cells = Cells(scored.case)
    numbers = {name: s for s, name in enumerate(scored.groups)}
    seen: Counter[str] = Counter()
    for u, trn_id in enumerate(scored.trn_ids):
        name = get_speaker(trn_id)
        yield f"Speaker sentences{numbers[name]:4d}:  {name}   utt# {seen[name]} of "
        yield f"{len(scored.groups[name])}\n{format_utterance(scored, u, cells)}"
        seen[name] += 1
    yield "\n"


def _format_sgml(source: Source) -> Iterator[str]:
    """Yield alignments for sc_stats and other programs of NIST."""
    scored, marks = source.scored, source.marks
    flags = {True: "TRUE", False: "FALSE"}
    yield (
        f'<SYSTEM title="{source.title}" ref_fname="{REF}" hyp_fname="{HYP}" '
        f'creation_date="{time.ctime()}" format="2.4" '
        f'frag_corr="{flags[marks.fragments]}" opt_del="{flags[marks.optional]}" '
        'weight_ali="FALSE" weight_filename="">\n'
    )
    case = ' case_sense="1"' if scored.case_sensitive else ""
    for name, chosen in scored.groups.items():
        yield f'<SPEAKER id="{name}">\n'
        for u in chosen:
            yield f'<PATH id="{scored.trn_ids[u]}" word_cnt="{len(scored.steps[u])}" '
            yield f'sequence="{u}"{case}>\n'
            yield ":".join(_quote(*column) for column in _list_columns(scored, u))
            yield "\n</PATH>\n"
        yield "</SPEAKER>\n"
    yield "</SYSTEM>\n"


def _quote(letter: str, ref: str | None, hyp: str | None) -> str:
    words = ("" if word is None else f'"{word}"' for word in (ref, hyp))
    return ",".join([letter, *words])


def _list_columns(
    scored: Scored, u: int
) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield letter, reference and hypothesis of each column of an alignment."""
    step = scored.steps[u]
    refs = open_gaps(scored.refs[u], step, ord("I"))
    hyps = open_gaps(scored.hyps[u], step, ord("D"))
    yield from zip(step.decode(), refs, hyps, strict=True)


def _format_dtl(source: Source) -> Iterator[str]:
    """Yield rates of sentences and words, and lists of wrong words."""
    scored = source.scored
    counts = scored.counts
    corr, sub, dele, ins = counts.sum(axis=0).tolist()
    yield f"DETAILED OVERALL REPORT FOR THE SYSTEM: {source.title}\n\n"
    yield "SENTENCE RECOGNITION PERFORMANCE\n\n"
    size = len(counts)
    wrong = int((counts[:, 1:].sum(axis=1) > 0).sum())
    with_kind = (counts[:, 1:] > 0).sum(axis=0).tolist()
    yield f" sentences                                        {size:4d}\n"
    yield f" with errors                            {_share(wrong, size)}\n\n"
    names = ("substitions", "deletions", "insertions")  # as sclite spells them
    for name, number in zip(names, with_kind, strict=True):
        yield f"   with {name:<32}{_share(number, size)}\n"
    yield "\n\nWORD RECOGNITION PERFORMANCE\n\n"
    refs = corr + sub + dele
    yield f"Percent Total Error       =  {_share(sub + dele + ins, refs)}\n\n"
    yield f"Percent Correct           =  {_share(corr, refs)}\n\n"
    yield f"Percent Substitution      =  {_share(sub, refs)}\n"
    yield f"Percent Deletions         =  {_share(dele, refs)}\n"
    yield f"Percent Insertions        =  {_share(ins, refs)}\n"
    accuracy = 100.0 - round_percent(sub + dele + ins, refs)
    yield f"Percent Word Accuracy     =  {accuracy:5.1f}%\n\n\n"
    yield f"Ref. words                =           ({refs:4d})\n"
    yield f"Hyp. words                =           ({corr + sub + ins:4d})\n"
    yield f"Aligned words             =           ({refs + ins:4d})\n\n"
    yield from _list_words(scored)


def _share(number: int, whole: int) -> str:
    return f"{round_percent(number, whole):5.1f}%   ({number:4d})"


def _list_words(scored: Scored) -> Iterator[str]:
    pairs: Counter[str] = Counter()
    lists: dict[str, Counter[str]] = {"I": Counter(), "D": Counter()}
    replaced, false = Counter[str](), Counter[str]()
    for u in range(len(scored.steps)):
        for letter, ref, hyp in _list_columns(scored, u):
            if letter == "S":
                pairs[f"{ref} ==> {hyp}"] += 1
                replaced[str(ref)] += 1
                false[str(hyp)] += 1
            elif letter in lists:
                lists[letter][str(hyp if letter == "I" else ref)] += 1
    yield from _format_list("CONFUSION PAIRS", pairs)
    yield from _format_list("INSERTIONS", lists["I"])
    yield from _format_list("DELETIONS", lists["D"])
    yield from _format_list("SUBSTITUTIONS", replaced, end="\n\n")
    yield "* NOTE: The 'Substitution' words are those reference words\n"
    yield "        for which the recognizer supplied an incorrect word.\n\n\n"
    yield from _format_list("FALSELY RECOGNIZED", false, end="\n\n")
    yield "* NOTE: The 'Falsely Recognized' words are those hypothesis words\n"
    yield "        which the recognizer incorrectly substituted for a reference word."
    yield "\n\n"


def _format_list(
    title: str, words: Mapping[str, int], end: str = "\n\n\n"
) -> Iterator[str]:
    yield f"{title:<33}Total                 ({len(words)})\n"
    yield f"{'':33}With >=  1 occurrences ({len(words)})\n\n"
    ordered = sorted(words.items(), key=lambda item: (-item[1], item[0].encode()))
    for number, (word, count) in enumerate(ordered, 1):
        yield f"{number:4d}: {count:4d}  ->  {word}\n"
    yield f"     -------\n{sum(words.values()):10d}\n{end}"


def _format_lur(source: Source) -> Iterator[str]:
    return format_labels(source.scored, source.title, source.labels)


_WRITERS: Mapping[str, Callable[[Source], Iterator[str]]] = {
    "sum": lambda source: _format_sum(source, raw=False),
    "rsum": lambda source: _format_sum(source, raw=True),
    "pra": _format_pra,
    "prf": _format_prf,
    "dtl": _format_dtl,
    "sgml": _format_sgml,
    "lur": _format_lur,
}
