"""Score hypotheses by words, characters and tokens, as NIST sclite does."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hamzaban.cli import str2bool
from hamzaban.fileio import remove_leftovers
from hamzaban.score.kinds import KINDS, RAW, find_kind
from hamzaban.verb_help import OptionHelp

GROUP = "score"

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hamzaban.score.sclite import Scored
    from hamzaban.score.trn import Pair

Texts = tuple[Mapping[str, str], Mapping[str, str]]
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
    add("--json_keys", default="", help="fields of JSON lines: id=NAME,ref=NAME,...")
    add(
        "--output_dir",
        type=Path,
        help="folder to write score_{wer,cer,ter}/ to; without it, only a summary is "
        "printed",
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


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose how texts are compared."""
    add = parser.add_argument
    add("--normalizer", default="raw", help="id of the normalizer that both passed")
    for kind in KINDS.values():
        if kind.is_asked_for:
            words = f"score the {kind.title}"
            add(f"--{kind.name}", type=str2bool, default=False, help=words)
    add(
        "--lang",
        help="normalize both texts by the rules of this language; mul: by those of "
        "each utterance's language, which is in utt2lang beside --ref, and score each "
        "language by itself as well",
    )
    add("--score_profile", default="score", help="profile of the rules of --lang")
    add("--score_options", default="", help="options of these rules: name=value,...")
    add(
        "--marks",
        choices=("drop", "keep", "refuse", "text"),
        default="text",
        help="marks of sounds such as [laughter], as for the training text: drop them, "
        "keep each as a word <laughter>, refuse the texts, or treat them as text",
    )
    add(
        "--case_sensitive",
        type=str2bool,
        default=False,
        help="distinguish a-z from A-Z, as `sclite -s` does; ESPnet does not",
    )
    add(
        "--scorer",
        choices=("auto", "sclite", "own"),
        default="auto",
        help="sclite: run NIST's program and compare its scores with our own; own: our "
        "own only; auto: sclite where it is installed",
    )


def main(cmd: Sequence[str] | None = None) -> int:
    """Score, print a line for each kind, write the folders; return the exit status."""
    args = get_parser().parse_args(cmd)
    check_options(args)
    from concurrent.futures import ThreadPoolExecutor

    from hamzaban.score.files import score_folder
    from hamzaban.score.programs import choose_program
    from hamzaban.score.sclite import score_pairs

    command = choose_program("sclite", args.scorer)
    kinds = pair_kinds(args)

    def score(kind: str) -> "Scored":
        normalizer, pairs = kinds[kind]
        if args.output_dir is None:
            return score_pairs(pairs, case_sensitive=args.case_sensitive)
        return score_folder(
            pairs,
            args.output_dir / f"score_{kind}",
            normalizer=normalizer,
            case_sensitive=args.case_sensitive,
            command=command,
        )

    if args.output_dir is not None:
        remove_leftovers(args.output_dir)
        extra = {name for name, kind in KINDS.items() if kind.is_asked_for}
        extra |= {f"{name}{RAW}" for name, kind in KINDS.items() if kind.has_raw}
        for kind in extra - set(kinds):  # left there by an earlier call
            (args.output_dir / f"score_{kind}" / "result.txt").unlink(missing_ok=True)
    with ThreadPoolExecutor() as pool:
        for kind, scored in zip(kinds, pool.map(score, kinds), strict=True):
            line = describe_scores(kind, kinds[kind][0], scored.counts)
            if args.output_dir is not None:
                line += f"; {args.output_dir / f'score_{kind}' / 'result.txt'}"
            print(line)
            if args.lang == "mul" and kind in KINDS:
                for line in describe_languages(args, kind, kinds[kind][0], scored):
                    print(line)
    return 0


def check_options(args: argparse.Namespace) -> None:
    """Check options against each other.

    Raises:
        ValueError: They contradict each other.
    """
    if args.token_type == "bpe" and args.bpemodel is None:
        raise ValueError("--token_type bpe: no model is given; give it by --bpemodel")
    if args.token_type in ("char", "word") and args.bpemodel is not None:
        raise ValueError(
            f"--token_type {args.token_type} has no SentencePiece model; leave out "
            "--bpemodel"
        )
    if (args.ref_token is None) != (args.hyp_token is None):
        raise ValueError("--ref_token and --hyp_token belong together; give both")
    if args.ref_token is not None and args.bpemodel is not None:
        raise ValueError("--ref_token and --bpemodel exclude each other; give one")
    if not args.normalizer or any(char.isspace() for char in args.normalizer):
        raise ValueError(f"--normalizer '{args.normalizer}': expected an id, one word")
    if args.lang is not None and args.normalizer != "raw":
        raise ValueError(
            "--lang normalizes texts that --normalizer says are normalized; give one"
        )


def pair_kinds(args: argparse.Namespace) -> "dict[str, tuple[str, list[Pair]]]":
    """Read the texts and return the normalizer's id and the pairs by kind of score.

    With --lang the kinds of raw text follow those of normalized text, `wer_raw` first.
    """
    from hamzaban.score.files import check_utterances, pair_texts
    from hamzaban.score.tokens import load_splitter, split_words
    from hamzaban.score.transcripts import parse_json_keys, read_both
    from hamzaban.score.trn import read_text

    keys = parse_json_keys(args.json_keys)
    ref, hyp, trn_ids = read_both(args.ref, args.hyp, args.utt2spk, keys)
    check_utterances(ref, hyp, args.hyp)
    kinds: dict[str, tuple[str, list[Pair]]] = {}

    def pair(kind: str, name: str, texts: Texts, split: Splitter) -> None:
        kinds[kind] = name, pair_texts(*texts, trn_ids, split)

    raw = ref, hyp
    marked, has_marks = read_both_marks(args, raw)
    name, texts = normalize_texts(args, *marked)
    name += f"+marks={args.marks}" if has_marks else ""
    for kind in KINDS.values():
        if kind.split and (not kind.is_asked_for or getattr(args, kind.name)):
            pair(kind.name, name, texts, kind.split)
    if args.bpemodel is not None:
        pair("ter", name, texts, load_splitter(args.bpemodel))
    elif args.ref_token is not None:
        tokens = read_text(args.ref_token), read_text(args.hyp_token)
        check_utterances(*tokens, args.hyp_token)
        pair("ter", args.normalizer, tokens, split_words)  # as the model wrote them
    if args.lang is not None:
        for kind in KINDS.values():
            if kind.split and kind.has_raw:
                pair(f"{kind.name}{RAW}", "raw", raw, kind.split)
    return kinds


def read_both_marks(args: argparse.Namespace, texts: Texts) -> tuple[Texts, bool]:
    """Apply --marks to references and hypotheses, and log the number of marks.

    Returns:
        The references and hypotheses; whether there was a mark.

    Raises:
        ValueError: There is a mark of a sound, and --marks is refuse.
    """
    if args.marks == "text":
        return texts, False
    import logging

    from hamzaban.text.marks import read_marks_of

    ref, ref_marks = read_marks_of(texts[0], args.marks, args.ref)
    hyp, hyp_marks = read_marks_of(texts[1], args.marks, args.hyp)
    for path, counts in ((args.ref, ref_marks), (args.hyp, hyp_marks)):
        for line in counts.describe():
            logging.info("%s: %s; --marks %s", path, line, args.marks)
    return (ref, hyp), bool(ref_marks.counts or hyp_marks.counts)


def normalize_texts(
    args: argparse.Namespace, ref: Mapping[str, str], hyp: Mapping[str, str]
) -> tuple[str, Texts]:
    """Normalize both sides; return the normalizer's id, references and hypotheses."""
    if args.lang is None:
        return args.normalizer, (ref, hyp)
    from hamzaban.text import Normalizer
    from hamzaban.text.cleaner import parse_options
    from hamzaban.text.marks import normalize_around
    from hamzaban.text.multilingual import MULTIPLE, MultiNormalizer, read_utt2lang

    def apply(rules: Callable[[str], str], text: str) -> str:
        return normalize_around(text, rules) if args.marks == "keep" else rules(text)

    options = parse_options(args.score_options)
    if args.lang == MULTIPLE:
        utt2lang = read_utt2lang(args.ref.parent)
        used = {utt_id: utt2lang[utt_id] for utt_id in ref if utt_id in utt2lang}
        each = MultiNormalizer(used, args.score_profile, options)
        by_utt = [
            {u: apply(partial(each.normalize, u), text) for u, text in side.items()}
            for side in (ref, hyp)
        ]
        return each.id, (by_utt[0], by_utt[1])
    normalizer = Normalizer(args.lang, args.score_profile, **options)
    texts = [
        {u: apply(normalizer.normalize, text) for u, text in side.items()}
        for side in (ref, hyp)
    ]
    return normalizer.id, (texts[0], texts[1])


def describe_languages(
    args: argparse.Namespace, kind: str, normalizer: str, scored: "Scored"
) -> list[str]:
    """Return a line for each language of the references, if there are several."""
    from hamzaban.score.breakdown import match_utterances
    from hamzaban.score.trn import read_text
    from hamzaban.text.multilingual import read_utt2lang

    utt2lang = read_utt2lang(args.ref.parent)
    utt2spk = read_text(args.utt2spk) if args.utt2spk else {u: u for u in utt2lang}
    found = match_utterances(scored, utt2spk)
    languages = [utt2lang.get(utt_id or "", "") for utt_id in found]
    names = sorted({*languages} - {""})
    lines = []
    for name in names if len(names) > 1 else []:
        rows = [u for u, lang in enumerate(languages) if lang == name]
        line = describe_scores(kind, normalizer, scored.counts[rows])
        lines.append(f"  {name}: {line}")
    return lines


def describe_scores(kind: str, normalizer: str, counts: "NDArray[np.int64]") -> str:
    """Return the pooled error rate and its counts as a line.

    Args:
        kind: Name of the score's kind.
        normalizer: Id of the normalizer that the texts passed.
        counts: Correct, substituted, deleted, inserted tokens of U utterances, (U, 4).
    """
    shown = KINDS[find_kind(kind)]
    corr, sub, dele, ins = counts.sum(axis=0).tolist()
    refs, errors = corr + sub + dele, sub + dele + ins
    rate = f"{100 * errors / refs:.2f} %" if refs else f"{errors} errors"
    return (
        f"{shown.label} {rate} of {refs} {shown.unit} in {len(counts)} "
        f"utterances (sub {sub}, del {dele}, ins {ins}), normalizer {normalizer}"
    )
