"""Write result.txt, the file that `sclite -o all stdout` prints."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hamzaban.score.align import MAX_CELLS, align, count_steps
from hamzaban.score.lattice import Network, align_networks
from hamzaban.score.letter_case import FOLDED, KEPT, map_to_capital, map_to_small
from hamzaban.score.notation import Notation, escape_token
from hamzaban.score.scoring import CostModel
from hamzaban.score.summary import format_summary
from hamzaban.score.trn import Pair, get_speaker
from hamzaban.score.word_marks import NO_MARKS, Marks

LINE_WIDTH = 1000  # bytes; sclite breaks longer alignments into several lines


@dataclass(frozen=True)
class Scored:
    """Aligned utterances.

    Attributes:
        trn_ids: Id of each of U utterances, as sclite shows it.
        refs: Reference tokens in the form in which they are compared.
        hyps: Hypothesis tokens in the form in which they are compared.
        steps: Alignment of each utterance, letters `C`, `S`, `D`, `I`.
        case: Which letters are compared without their case, one of `CASES`.
        marked: Indices of utterances in which a right word may differ from its partner:
            a fragment, or an optional word beside an empty one.
        written: References of these utterances with all their alternatives, of which
            `refs` has those that matched.
    """

    trn_ids: Sequence[str]
    refs: Sequence[Sequence[str]]
    hyps: Sequence[Sequence[str]]
    steps: Sequence[bytes]
    case: str
    marked: frozenset[int] = frozenset()
    written: Mapping[int, str] = field(default_factory=dict)

    @property
    def case_sensitive(self) -> bool:
        """Return whether `A` and `a` are different tokens."""
        return self.case == KEPT

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Numbers of correct, substituted, deleted, inserted tokens, shape (U, 4)."""
        return count_steps(self.steps)

    @cached_property
    def groups(self) -> dict[str, list[int]]:
        """Indices of the utterances of each speaker, in order of their appearance."""
        groups: dict[str, list[int]] = {}
        for u, trn_id in enumerate(self.trn_ids):
            groups.setdefault(get_speaker(trn_id), []).append(u)
        return groups

    def count_by_speaker(self) -> NDArray[np.int64]:
        """Return the counts of each of S speakers, in the order of `groups`.

        Returns:
            Utterances, utterances with an error, and correct, substituted, deleted,
            inserted tokens, shape (S, 6).
        """
        wrong = (self.counts[:, 1:].sum(axis=1, keepdims=True) > 0).astype(np.int64)
        table = np.hstack([np.ones_like(wrong), wrong, self.counts])  # (U, 6)
        return np.array([table[chosen].sum(axis=0) for chosen in self.groups.values()])


def score_pairs(
    pairs: Sequence[Pair],
    *,
    case_sensitive: bool = False,
    case: str = FOLDED,
    marks: Marks = NO_MARKS,
    costs: CostModel = "sclite",
) -> Scored:
    """Return references and hypotheses aligned as in sclite.

    Args:
        pairs: The utterances, in the order of the hypothesis file.
        case_sensitive: Compare letters with their case, as `sclite -s`. Otherwise the
            case of ASCII letters only is ignored, and ids are shown in lower case.
        case: A language whose letters are folded as well, one of `CASES`.
        marks: Which marks of words have a meaning.
        costs: Costs of errors, see `align`.

    Raises:
        ValueError: There is no utterance, one is too long, or two ids differ in
            case only.
    """
    if not pairs:
        raise ValueError(
            "no utterance to score; give a file of references that is not empty"
        )
    _check_lengths(pairs)
    trn_ids = [pair.trn_id for pair in pairs]
    case = KEPT if case_sensitive else case
    if case != KEPT:
        trn_ids = _fold_ids(trn_ids, case)
    fold = Folded(case).__getitem__
    refs = [list(map(fold, pair.ref)) for pair in pairs]
    hyps = [list(map(fold, pair.hyp)) for pair in pairs]
    marked = {
        u: pair
        for u, pair in enumerate(pairs)
        if pair.has_notation or marks.are_in(pair.ref) or marks.are_in(pair.hyp)
    }
    for u in marked:
        refs[u], hyps[u] = [], []
    steps = align(refs, hyps, costs)
    for u, pair in marked.items():
        ref, hyp = (Network(tokens, marks, fold) for tokens in (pair.ref, pair.hyp))
        path = align_networks(ref, hyp, pair.trn_id, costs)
        refs[u] = [step.ref for step in path if step.ref is not None]
        hyps[u] = [step.hyp for step in path if step.hyp is not None]
        steps[u] = "".join(step.letter for step in path).encode()
    written = {u: " ".join(map(fold, pair.ref)) for u, pair in marked.items()}
    return Scored(trn_ids, refs, hyps, steps, case, frozenset(marked), written)


def _check_lengths(pairs: Sequence[Pair]) -> None:
    for pair in pairs:
        if len(pair.ref) * len(pair.hyp) > MAX_CELLS:
            raise ValueError(
                f"utterance {pair.trn_id} has {len(pair.ref)} reference and "
                f"{len(pair.hyp)} hypothesis tokens, a product over {MAX_CELLS}; cut "
                "the recording into segments"
            )


def format_result(scored: Scored, title: str = "hyp.trn") -> Iterator[str]:
    """Yield result.txt in pieces: both summaries, then every alignment.

    Args:
        scored: Aligned utterances.
        title: Name of the system; sclite's default is the hypothesis file.
    """
    yield format_summary(title, list(scored.groups), scored.count_by_speaker())
    yield from format_alignments(scored, title)


def format_alignments(scored: Scored, title: str = "hyp.trn") -> Iterator[str]:
    """Yield every alignment, speaker by speaker, below a list of the speakers."""
    speakers = list(scored.groups)
    yield f"\n\n\t\tDUMP OF SYSTEM ALIGNMENT STRUCTURE\n\nSystem name:   {title}\n\n"
    yield "Speakers: \n"
    yield "".join(f"   {s:2d}:  {name}\n" for s, name in enumerate(speakers)) + "\n"
    cells = Cells(scored.case)
    for s, (name, chosen) in enumerate(scored.groups.items()):
        yield f"Speaker sentences{s:4d}:  {name}   #utts: {len(chosen)}\n"
        for u in chosen:
            yield format_utterance(scored, u, cells)
    yield "\n"


def _fold_ids(trn_ids: Sequence[str], case: str) -> list[str]:
    small = map_to_small(case)
    shown: dict[str, str] = {}
    for trn_id in trn_ids:
        found = shown.setdefault(trn_id.translate(small), trn_id)
        if found != trn_id:
            raise ValueError(
                f"ids {found} and {trn_id} differ in case only and sclite takes them "
                "for one; score with --case_sensitive true or rename one"
            )
    return list(shown)


class Folded(dict[str, str]):
    """The form in which each token is compared, computed once."""

    def __init__(self, case: str) -> None:
        """Store which letters are compared without their case."""
        super().__init__()
        self._small = map_to_small(case)

    def __missing__(self, token: str) -> str:
        """Compute the form of a token when it is first asked for."""
        folded = escape_token(token)
        if isinstance(token, Notation):
            pass  # its words are folded one by one
        elif self._small:
            folded = folded.translate(self._small)
        self[token] = folded
        return folded


class Cells(dict[tuple[str | None, ...], tuple[str, str, str, int]]):
    """The column of an alignment for each pair of tokens, computed once.

    A key has two tokens, None for no token; a third item says that they match although
    they differ. A value has the pieces of the lines REF, HYP and Eval, and the width in
    bytes.
    """

    def __init__(self, case: str) -> None:
        """Store which letters have capitals."""
        super().__init__()
        self._capital = map_to_capital(case)

    def __missing__(self, column: tuple[str | None, ...]) -> tuple[str, str, str, int]:
        """Compute a column when it is first asked for."""
        ref, hyp = column[:2]
        if ref == hyp or len(column) > 2:
            letter = ""
        else:
            letter = "I" if ref is None else "D" if hyp is None else "S"
        table = self._capital if letter else {}
        ref_size, hyp_size = len((ref or "").encode()), len((hyp or "").encode())
        above = "*" * hyp_size if ref is None else ref.translate(table)
        below = "*" * ref_size if hyp is None else hyp.translate(table)
        width = max(ref_size, hyp_size)
        cell = self[column] = (
            above + " " * (width + 1 - (hyp_size if ref is None else ref_size)),
            below + " " * (width + 1 - (ref_size if hyp is None else hyp_size)),
            letter.ljust(width + 1),
            width + 1,
        )
        return cell


def format_utterance(scored: Scored, u: int, cells: Cells) -> str:
    """Return the alignment of an utterance."""
    corr, sub, dele, ins = scored.counts[u].tolist()
    lines = [f"id: {scored.trn_ids[u]}"]
    lines.append(f"Scores: (#C #S #D #I) {corr} {sub} {dele} {ins}")
    if scored.case_sensitive:
        lines.append("Attributes: Case_sensitve ")
    refs: Sequence[str | None] = scored.refs[u]
    hyps: Sequence[str | None] = scored.hyps[u]
    if ins:
        refs = open_gaps(refs, scored.steps[u], ord("I"))
    if dele:
        hyps = open_gaps(hyps, scored.steps[u], ord("D"))
    keys: Iterable[tuple[str | None, ...]] = zip(refs, hyps, strict=True)
    if u in scored.marked:
        matched = [("C",) if letter == ord("C") else () for letter in scored.steps[u]]
        keys = [(*key, *more) for key, more in zip(keys, matched, strict=True)]
    columns = list(map(cells.__getitem__, keys))
    for number, part in enumerate(_break_lines(columns)):
        head = ">> " if number else ""
        refs_row, hyps_row, evals, _ = zip(*part, strict=True)
        lines += [""] if number else []
        lines.append(f"{head}REF:  {''.join(refs_row)}")
        lines.append(f"{head}HYP:  {''.join(hyps_row)}")
        lines.append(f"{head}Eval: {''.join(evals)}")
    return "\n".join(lines) + "\n\n"


def open_gaps(tokens: Sequence[str | None], step: bytes, gap: int) -> list[str | None]:
    """Return tokens with None where only the other side has a token."""
    following = iter(tokens)
    return [None if letter == gap else next(following) for letter in step]


def _break_lines(
    columns: list[tuple[str, str, str, int]],
) -> Iterator[list[tuple[str, str, str, int]]]:
    """Yield the parts of an alignment, cut where a line reaches `LINE_WIDTH`."""
    start, room = 0, LINE_WIDTH - 6
    for end, column in enumerate(columns):
        room -= column[3]
        if room <= 0 and end > start and end + 1 < len(columns):
            yield columns[start:end]
            start, room = end, LINE_WIDTH - 9 - column[3]
    if start < len(columns):
        yield columns[start:]
