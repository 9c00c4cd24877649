"""Score hypotheses by words, characters and tokens, as NIST sclite does."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hamzaban.fileio import remove_leftovers
from hamzaban.score.kinds import KINDS, RAW
from hamzaban.score.score_options import add_options
from hamzaban.verb_help import OptionHelp

GROUP = "score"

if TYPE_CHECKING:
    from hamzaban.score.sclite import Scored
    from hamzaban.score.scoring import Scoring
    from hamzaban.score.trn import Pair

Texts = tuple[Mapping[str, str], Mapping[str, str]]
Ids = Mapping[str, str]
Splitter = Callable[[str], list[str]]


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban score-text`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionHelp)
    add = parser.add_argument
    forms = "Kaldi text, .trn, .jsonl, .stm with .ctm"
    add("--ref", type=Path, required=True, help=f"the references: {forms}")
    add("--hyp", type=Path, required=True, help="the hypotheses, paired by id or time")
    add(
        "--utt2spk",
        type=Path,
        help="file of the speakers (default: those that --ref names)",
    )
    add(
        "--id_type",
        choices=("auto", "rm", "wsj", "swb", "spu_id", "sp"),
        default="auto",
        help="how ids of .trn name the speaker, as in `sclite -i`; auto: detect it",
    )
    add("--json_keys", default="", help="fields of JSON lines: id=NAME,ref=NAME,...")
    add(
        "--output_dir",
        type=Path,
        help="folder to write score_{wer,cer,ter}/ to; without it, only a summary is "
        "printed",
    )
    add(
        "--outputs",
        default="",
        help="further reports in score_<kind>/hyp.trn.*, as of `sclite -o`: all, or "
        "some of sum,rsum,pra,prf,dtl,sgml,lur",
    )
    add("--bpemodel", type=Path, help="SentencePiece model; its tokens are scored too")
    add(
        "--token_type",
        choices=("bpe", "char", "word"),
        help="tokens of the model; bpe needs --bpemodel, the others have no score_ter",
    )
    add("--ref_token", type=Path, help="tokens of the references, for score_ter")
    add("--hyp_token", type=Path, help="tokens of the hypotheses, for score_ter")
    add_options(parser)
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Score, print a line for each kind, write the folders; return the exit status."""
    args = get_parser().parse_args(cmd)
    check_options(args)
    scoring = choose_scoring(args)
    if args.glm is None:
        return score(args, scoring)
    import tempfile

    from hamzaban.score.glm import filter_files

    with tempfile.TemporaryDirectory() as folder:
        args.normalizer += filter_files(args, Path(folder))
        return score(args, scoring)


def score(args: argparse.Namespace, scoring: "Scoring") -> int:
    """Score the files; return the exit status."""
    if args.all_profiles:
        return print_profiles(args, scoring)
    from hamzaban.score.kind_pairs import pair_kinds, read_texts

    texts, trn_ids = read_texts(args, scoring)
    kinds = pair_kinds(args, scoring, texts, trn_ids)
    if args.output_dir is not None:
        remove_leftovers(args.output_dir)
        extra = {name for name, kind in KINDS.items() if kind.is_asked_for}
        extra |= {f"{name}{RAW}" for name, kind in KINDS.items() if kind.has_raw}
        for kind in extra - set(kinds):  # left there by an earlier call
            (args.output_dir / f"score_{kind}" / "result.txt").unlink(missing_ok=True)
    scores = score_kinds(args, scoring, kinds)
    if args.output_dir is not None:
        from hamzaban.score.report_files import write_reports

        write_reports(args, scoring, {k: (kinds[k][0], s) for k, s in scores.items()})
    from hamzaban.score.heard_words import report_confidences

    for line in report_confidences(args, scoring, texts, scores["wer"]):
        print(line)
    from hamzaban.score.plausibility import describe_plausibility

    for line in describe_plausibility(args, texts):
        print(line)
    return 0


def score_kinds(
    args: argparse.Namespace,
    scoring: "Scoring",
    kinds: "dict[str, tuple[str, list[Pair]]]",
) -> "dict[str, Scored]":
    """Score each kind, write its folder and print a line; return the scores."""
    from concurrent.futures import ThreadPoolExecutor

    from hamzaban.score.describe import describe_parts, describe_scores
    from hamzaban.score.files import score_folder
    from hamzaban.score.programs import choose_program
    from hamzaban.score.sclite import score_pairs

    command = choose_program("sclite", args.scorer)

    def score(kind: str) -> "Scored":
        normalizer, pairs = kinds[kind]
        if args.output_dir is None:
            return score_pairs(pairs, **scoring.options)
        return score_folder(
            pairs,
            args.output_dir / f"score_{kind}",
            normalizer=normalizer,
            scoring=scoring,
            command=command if scoring.costs == "sclite" else None,
        )

    scores: dict[str, Scored] = {}
    with ThreadPoolExecutor() as pool:
        for kind, scored in zip(kinds, pool.map(score, kinds), strict=True):
            scores[kind] = scored
            score_id = kinds[kind][0] + scoring.suffix
            line = describe_scores(kind, score_id, scored.counts)
            if args.output_dir is not None:
                line += f"; {args.output_dir / f'score_{kind}' / 'result.txt'}"
            print(line)
            if kind in KINDS:
                for line in describe_parts(args, kind, score_id, scored):
                    print(line)
    return scores


def check_options(args: argparse.Namespace) -> None:
    """Check options against each other.

    Raises:
        ValueError: They contradict each other.
    """
    if args.token_type == "bpe" and args.bpemodel is None:
        raise ValueError("--token_type bpe needs a model; name it by --bpemodel")
    if args.token_type in ("char", "word") and args.bpemodel is not None:
        raise ValueError(
            f"--token_type {args.token_type} has no SentencePiece model; leave out "
            "--bpemodel"
        )
    if (args.ref_token is None) != (args.hyp_token is None):
        raise ValueError("--ref_token and --hyp_token belong together; give both")
    if args.ref_token is not None and args.bpemodel is not None:
        raise ValueError("--ref_token and --bpemodel exclude each other; give one")
    if args.outputs:
        from hamzaban.score.report_files import parse_outputs

        parse_outputs(args.outputs)
        if args.output_dir is None:
            raise ValueError("--outputs needs --output_dir, the folder to write to")
    if not args.normalizer or any(char.isspace() for char in args.normalizer):
        raise ValueError(f"--normalizer '{args.normalizer}': expected an id, one word")
    if args.all_profiles and args.lang in (None, "mul"):
        raise ValueError("--all_profiles needs --lang, the code of one language")
    if args.glm is not None and args.lang is not None:
        raise ValueError("--glm and --lang both normalize; give one")
    if args.all_profiles and args.marks != "text":
        raise ValueError(
            "--all_profiles always treats marks as text; leave out --marks"
        )
    if args.lang is not None and args.normalizer != "raw":
        raise ValueError(
            "--lang normalizes, but --normalizer says it has been done; give one"
        )


def choose_scoring(args: argparse.Namespace) -> "Scoring":
    """Return how the profile and the options count.

    Raises:
        ValueError: sclite cannot count so.
    """
    from hamzaban.score.scoring import find_scoring
    from hamzaban.score.word_marks import Marks

    case = args.case
    if case is None and args.case_sensitive is not None:
        case = "kept" if args.case_sensitive else "folded"
    scoring = find_scoring(
        args.score_profile if args.lang is not None else "",
        costs=args.costs,
        characters=args.characters,
        case=case,
        marks=Marks(args.optional_words, args.fragments),
    )
    if args.scorer == "sclite" and scoring.costs != "sclite":
        raise ValueError(
            "--scorer sclite has its own costs; give --costs sclite or --scorer own"
        )
    return scoring


def print_profiles(args: argparse.Namespace, scoring: "Scoring") -> int:
    """Print the scores by every profile of the language."""
    from hamzaban.score.all_profiles import format_profiles, score_profiles
    from hamzaban.score.kind_pairs import read_texts

    texts, trn_ids = read_texts(args, scoring)
    rows = score_profiles(texts, trn_ids, args.lang, marks=scoring.marks)
    for line in format_profiles(rows):
        print(line)
    return 0
