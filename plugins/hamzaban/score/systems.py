"""Read systems to compare: their scored runs in folders, or files to score."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hamzaban.score.files import check_utterances, pair_texts
from hamzaban.score.kinds import KINDS
from hamzaban.score.notation import has_notation
from hamzaban.score.results import NOT_STATED, read_result
from hamzaban.score.sclite import Scored, score_pairs
from hamzaban.score.scoring import parse_scoring
from hamzaban.score.transcripts import read_both
from hamzaban.score.trn import Pair, read_trn


@dataclass(frozen=True)
class System:
    """A system to compare.

    Attributes:
        name: Name in tables.
        runs: Scored runs, such as one for each seed, with utterances in one order.
        normalizer: Id of the text normalizer; `not stated` if no file names it.
    """

    name: str
    runs: Sequence[Scored]
    normalizer: str


@dataclass(frozen=True)
class Source:
    """Options for reading systems.

    Attributes:
        kind: A name of `KINDS`; `ter` is for folders, not for files.
        ref: References, if the systems are files of hypotheses.
        utt2spk: Kaldi's file of speakers of the references.
        case_sensitive: Compare letters with their case, as `sclite -s`.
    """

    kind: str = "wer"
    ref: Path | None = None
    utt2spk: Path | None = None
    case_sensitive: bool = False


def parse_system(word: str) -> tuple[str, list[Path]]:
    """Return name and paths of `[NAME=]PATH[,PATH ...]`; several paths are runs.

    Raises:
        FileNotFoundError: There is no such path.
    """
    name, equals, rest = word.partition("=")
    if not equals or "/" in name or Path(word).exists():
        name, rest = word, word
    paths = [Path(rest)] if Path(rest).exists() else [*map(Path, rest.split(","))]
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(
                f"{path}: no such folder or file; a system is [NAME=]PATH[,PATH ...]"
            )
    return name.rstrip("/"), paths


def read_systems(words: Iterable[str], source: Source) -> dict[str, list[System]]:
    """Return the systems for each test set that all of them have.

    Args:
        words: Systems in the form that `parse_system` reads. A path is a file of
            hypotheses, a folder score_wer, or the folder of a decoded set or of an
            experiment.
        source: Options for reading them.

    Returns:
        Systems by test set, such as `decode_greedy/test`; the name is empty if files or
        folders of one set are given.

    Raises:
        ValueError: No test set is common to all, or the systems do not pair.
    """
    found: dict[str, dict[str, list[Path]]] = {}
    for word in words:
        name, paths = parse_system(word)
        if name in found:
            raise ValueError(f"system '{name}' is given twice; name one: NAME=PATH")
        runs = [list_sets(path, source.kind) for path in paths]
        common = [s for s in runs[0] if all(s in run for run in runs)]
        found[name] = {s: [run[s] for run in runs] for s in common}
    sets = dict.fromkeys(s for sets in found.values() for s in sets)
    common = [s for s in sets if all(s in sets for sets in found.values())]
    if not common:
        raise ValueError(
            f"systems {', '.join(found)} have no decoded set in common; they have "
            f"{', '.join(map(repr, sets)) or 'none'}; give the folders of one set"
        )
    for left_out in sets.keys() - set(common):
        logging.warning("%s: left out, since not all systems have it", left_out)
    return {
        s: _align_runs([_read_system(n, sets[s], source) for n, sets in found.items()])
        for s in common
    }


def list_sets(path: Path, kind: str) -> dict[str, Path]:
    """Return the folders of scored sets, with ref.trn and hyp.trn, or the file itself.

    Raises:
        FileNotFoundError: A folder has no scored set.
    """
    if path.is_file() or (path / "ref.trn").is_file():
        return {"": path}
    folder = f"score_{kind}"
    if (path / folder / "ref.trn").is_file():
        return {"": path / folder}
    found = sorted(path.glob(f"**/{folder}/ref.trn"))
    if not found:
        raise FileNotFoundError(
            f"{path}: has no {folder}/ref.trn; score a decoded set first"
        )
    return {trn.parents[1].relative_to(path).as_posix(): trn.parent for trn in found}


def read_folder(folder: Path, case_sensitive: bool = False) -> Scored:
    """Return the scores of ref.trn and hyp.trn of a folder, counted as its id states.

    Raises:
        ValueError: The files name different utterances.
    """
    ref, hyp = read_trn(folder / "ref.trn"), read_trn(folder / "hyp.trn")
    if ref.keys() != hyp.keys():
        only = next(iter(ref.keys() ^ hyp.keys()))
        raise ValueError(
            f"{folder}: {only} is in one of ref.trn and hyp.trn only; score it again"
        )
    pairs = [
        Pair(trn_id, tokens, hyp[trn_id], has_notation(tokens, hyp[trn_id]))
        for trn_id, tokens in ref.items()
    ]
    options = parse_scoring(read_normalizer(folder)).options
    return score_pairs(pairs, case_sensitive=case_sensitive, **options)


def read_normalizer(folder: Path) -> str:
    """Return the id of the normalizer that the result.txt of a folder names."""
    result = folder / "result.txt"
    return read_result(result).normalizer if result.is_file() else NOT_STATED


def _read_system(name: str, paths: Sequence[Path], source: Source) -> System:
    runs, normalizers = [], []
    for path in paths:
        if path.is_dir():
            runs.append(read_folder(path, source.case_sensitive))
            normalizers.append(read_normalizer(path))
        else:
            runs.append(_score_file(path, source))
            normalizers.append("raw")
    if len(set(normalizers)) > 1:
        raise ValueError(
            f"{name}: its runs were scored with different normalizers, "
            f"{', '.join(dict.fromkeys(normalizers))}; score them with one"
        )
    return System(name, runs, normalizers[0])


def _score_file(hyp: Path, source: Source) -> Scored:
    if source.ref is None:
        raise ValueError(f"{hyp} is a file of hypotheses; give its references by --ref")
    kind, split = source.kind, KINDS[source.kind].split
    if split is None:
        raise ValueError(f"{hyp}: --kind {kind} needs folders score_{kind}, not files")
    refs, hyps, trn_ids = read_both(
        source.ref, hyp, source.utt2spk, case_sensitive=source.case_sensitive
    )
    check_utterances(refs, hyps, hyp)
    pairs = pair_texts(refs, hyps, trn_ids, split)
    return score_pairs(pairs, case_sensitive=source.case_sensitive)


def _align_runs(systems: Sequence[System]) -> list[System]:
    """Return the systems with the utterances of all runs in one order.

    Raises:
        ValueError: References or normalizers differ.
    """
    normalizers = {system.name: system.normalizer for system in systems}
    if len(set(normalizers.values())) > 1:
        listed = ", ".join(f"{name}: {norm}" for name, norm in normalizers.items())
        raise ValueError(
            f"error rates of different normalizers are not comparable ({listed}); "
            "score all systems with the same one"
        )
    first = systems[0].runs[0]
    order = {trn_id: u for u, trn_id in enumerate(first.trn_ids)}
    return [
        System(
            system.name,
            [_reorder(run, first, order, system.name) for run in system.runs],
            system.normalizer,
        )
        for system in systems
    ]


def _reorder(run: Scored, first: Scored, order: Mapping[str, int], name: str) -> Scored:
    if order.keys() != set(run.trn_ids):
        only = next(iter(order.keys() ^ set(run.trn_ids)))
        raise ValueError(
            f"{name}: utterance {only} is not in all systems; score the same set"
        )
    chosen = sorted(range(len(run.trn_ids)), key=lambda u: order[run.trn_ids[u]])
    for u, (trn_id, old) in enumerate(zip(first.trn_ids, chosen, strict=True)):
        expected, found = (
            run.written.get(i, " ".join(run.refs[i]))
            for run, i in ((first, u), (run, old))
        )
        if expected != found:
            raise ValueError(
                f"{name}: the reference of {trn_id} is '{found}', in the first system "
                f"'{expected}'; score both alike"
            )
    return Scored(
        [run.trn_ids[u] for u in chosen],
        [run.refs[u] for u in chosen],
        [run.hyps[u] for u in chosen],
        [run.steps[u] for u in chosen],
        run.case,
        frozenset(u for u, old in enumerate(chosen) if old in run.marked),
        {u: run.written[old] for u, old in enumerate(chosen) if old in run.written},
    )
