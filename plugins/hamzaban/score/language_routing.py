"""Compute the errors added by a model that chooses the language itself."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hamzaban.score.breakdown import require_utterances
from hamzaban.score.systems import read_folder, read_normalizer
from hamzaban.score.trn import read_text

ALL = "all"


@dataclass(frozen=True)
class Decoded:
    """An utterance decoded with the head of its language and with the chosen head.

    Attributes:
        utt_id: Id of the utterance.
        truth: Language of the utterance.
        used: Language of the head that the model chose.
        num_tokens: Number of reference words, or other tokens.
        oracle: Errors with the head of the utterance's language.
        predicted: Errors with the chosen head.
    """

    utt_id: str
    truth: str
    used: str
    num_tokens: int
    oracle: int
    predicted: int


@dataclass(frozen=True)
class Cost:
    """Errors of a part of the utterances with the right and with the chosen heads.

    Attributes:
        name: The language, or `all`.
        num_utts: Number of utterances.
        num_tokens: Number of reference tokens.
        oracle: Errors with the heads of the utterances' languages.
        predicted: Errors with the chosen heads.
        wrong_utts: Number of utterances for which a wrong head was chosen.
        wrong_tokens: Reference tokens of these utterances.
        wrong_oracle: Errors of these utterances with the heads of their languages.
        wrong_predicted: Errors of these utterances with the wrong heads.
    """

    name: str
    num_utts: int
    num_tokens: int
    oracle: int
    predicted: int
    wrong_utts: int
    wrong_tokens: int
    wrong_oracle: int
    wrong_predicted: int


def read_decoded(
    data_dir: str | Path, oracle: str | Path, predicted: str | Path, kind: str = "wer"
) -> list[Decoded]:
    """Return the utterances of a set that was decoded and scored both ways.

    Args:
        data_dir: Data directory with utt2lang and utt2spk.
        oracle: Folder of the set decoded with `language: utt2lang`.
        predicted: Folder of the set decoded with `language: predicted`.
        kind: A name of `KINDS`.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: The two have different references or normalizers.
    """
    data_dir, folders = Path(data_dir), [Path(oracle), Path(predicted)]
    paths = [folder / f"score_{kind}" for folder in folders]
    for path in [data_dir / "utt2lang", folders[1] / "utt2lang"]:
        if not path.is_file():
            raise FileNotFoundError(
                f"{path}: no such file; expected the languages of the set, and those "
                "that decode-asr chose with `language: predicted`"
            )
    names = [read_normalizer(path) for path in paths]
    if names[0] != names[1]:
        raise ValueError(
            f"{paths[0]} was scored with normalizer {names[0]}, {paths[1]} with "
            f"{names[1]}; score both with one"
        )
    utt2spk = read_text(data_dir / "utt2spk")
    tables: list[dict[str, list[int]]] = []
    for path in paths:
        scored = read_folder(path)
        utt_ids = require_utterances(scored, utt2spk, data_dir)
        tables.append(dict(zip(utt_ids, scored.counts.tolist(), strict=True)))
    truth = read_text(data_dir / "utt2lang")
    return list(_join(tables[0], tables[1], truth, folders[1]))


def _join(
    oracle: Mapping[str, Sequence[int]],
    predicted: Mapping[str, Sequence[int]],
    truth: Mapping[str, str],
    folder: Path,
) -> Iterator[Decoded]:
    used = read_text(folder / "utt2lang")
    for utt_id, counts in oracle.items():
        for table, place in ((predicted, folder), (truth, "utt2lang"), (used, folder)):
            if utt_id not in table:
                raise ValueError(
                    f"{place}: utterance {utt_id} is missing; decode and score the "
                    "same set both ways"
                )
        sizes = [sum(row[:3]) for row in (counts, predicted[utt_id])]
        if sizes[0] != sizes[1]:
            raise ValueError(
                f"{folder}: the reference of {utt_id} has {sizes[1]} tokens, "
                f"{sizes[0]} in the other folder; score both alike"
            )
        errors = [sum(row[1:]) for row in (counts, predicted[utt_id])]
        yield Decoded(utt_id, truth[utt_id], used[utt_id], sizes[0], *errors)


def measure_cost(decoded: Sequence[Decoded]) -> list[Cost]:
    """Return the errors by language and over all utterances."""
    names = sorted({utt.truth for utt in decoded})
    parts = {name: [utt for utt in decoded if utt.truth == name] for name in names}
    return [_sum_up(name, part) for name, part in [*parts.items(), (ALL, decoded)]]


def _sum_up(name: str, part: Sequence[Decoded]) -> Cost:
    wrong = [utt for utt in part if utt.used != utt.truth]
    sums = [
        (
            sum(u.num_tokens for u in x),
            sum(u.oracle for u in x),
            sum(u.predicted for u in x),
        )
        for x in (part, wrong)
    ]
    return Cost(name, len(part), *sums[0], len(wrong), *sums[1])


def format_costs(decoded: Sequence[Decoded], kind: str = "wer") -> Iterator[str]:
    """Yield the errors as a table in Markdown, and which languages were confused."""
    rate = kind.upper()
    head = f"language|utts|found, %|{rate} oracle|{rate} chosen|cost|misrouted: utts"
    yield f"|{head}|{rate} oracle|{rate} chosen|"
    yield "|" + "---|" * 9
    for cost in measure_cost(decoded):
        cells = [
            cost.name,
            str(cost.num_utts),
            f"{100 * (1 - cost.wrong_utts / cost.num_utts):.2f}",
            _percent(cost.oracle, cost.num_tokens),
            _percent(cost.predicted, cost.num_tokens),
            _percent(cost.predicted - cost.oracle, cost.num_tokens),
            str(cost.wrong_utts),
            _percent(cost.wrong_oracle, cost.wrong_tokens),
            _percent(cost.wrong_predicted, cost.wrong_tokens),
        ]
        yield f"|{'|'.join(cells)}|"
    taken = Counter((u.truth, u.used) for u in decoded if u.truth != u.used)
    for (truth, used), number in taken.most_common():
        yield f"{truth} taken for {used}: {number}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}" if whole else ""
