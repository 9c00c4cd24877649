"""Read the texts to score and pair their units by kind of score."""

import argparse
import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from hamzaban.score.compounds import join_compounds
from hamzaban.score.files import check_utterances, pair_texts
from hamzaban.score.kinds import KINDS, RAW
from hamzaban.score.normalized import Rules, Texts, normalize_texts
from hamzaban.score.notation import change_text
from hamzaban.score.scoring import Scoring
from hamzaban.score.tokens import load_splitter, split_words
from hamzaban.score.transcripts import parse_json_keys, read_both
from hamzaban.score.trn import Pair, read_text
from hamzaban.score.variants import accept_variants
from hamzaban.text.cleaner import parse_options
from hamzaban.text.marks import MarkCounts, read_marks

Ids = Mapping[str, str]
Splitter = Callable[[str], list[str]]


def read_texts(args: argparse.Namespace, scoring: Scoring) -> tuple[Texts, Ids]:
    """Return references and hypotheses, and the trn id of each utterance."""
    ref, hyp, trn_ids = read_both(
        *(args.ref, args.hyp, args.utt2spk, parse_json_keys(args.json_keys)),
        case_sensitive=scoring.case == "kept",
        id_type=args.id_type,
    )
    check_utterances(ref, hyp, args.hyp)
    return (ref, hyp), trn_ids


def pair_kinds(
    args: argparse.Namespace, scoring: Scoring, raw: Texts, trn_ids: Ids
) -> dict[str, tuple[str, list[Pair]]]:
    """Return, for each kind of score, the normalizer's id and the pairs.

    With --lang the kinds of raw text follow those of normalized text, `wer_raw` first.
    """
    kinds: dict[str, tuple[str, list[Pair]]] = {}

    def pair(kind: str, name: str, texts: Texts, split: Splitter) -> None:
        split = scoring.choose_splitter(split)
        pairs = pair_texts(*texts, trn_ids, split)
        if scoring.compounds == "joined" and split is split_words:
            pairs = join_compounds(pairs)
        kinds[kind] = name, pairs

    name, (texts, has_marks) = args.normalizer, read_both_marks(args, raw)
    if args.lang is not None:
        options = parse_options(args.score_options)
        rules = Rules(args.lang, args.score_profile, options, args.marks == "keep")
        name, texts = normalize_texts(texts, rules, args.ref.parent)
    name += f"+marks={args.marks}" if has_marks else ""
    texts, accepted = accept_variants(args, texts, partial(normalize_side, args))
    name += accepted
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


def normalize_side(
    args: argparse.Namespace, texts: Mapping[str, str]
) -> Mapping[str, str]:
    """Return texts by utterance id, treated and normalized as the references are."""
    if args.marks != "text":
        places = {utt_id: f"{args.ref}: {utt_id}" for utt_id in texts}
        texts = {u: read_marks(t, args.marks, places[u]).text for u, t in texts.items()}
    if args.lang is None:
        return texts
    options = parse_options(args.score_options)
    rules = Rules(args.lang, args.score_profile, options, args.marks == "keep")
    return normalize_texts((texts, {}), rules, args.ref.parent)[1][0]


def read_both_marks(args: argparse.Namespace, texts: Texts) -> tuple[Texts, bool]:
    """Treat marks of sounds in references and hypotheses as --marks says; count them.

    Returns:
        The references and hypotheses, and whether there was a mark.

    Raises:
        ValueError: There is a mark of a sound, and --marks is refuse.
    """
    if args.marks == "text":
        return texts, False
    read: list[dict[str, str]] = []
    has_marks = False
    for path, side in zip((args.ref, args.hyp), texts, strict=True):
        counts, read_side = MarkCounts(), {}

        def read_run(run: str, utt_id: str, path: Path, counts: MarkCounts) -> str:
            marked = read_marks(run, args.marks, f"{path}: {utt_id}")
            counts.add(marked.marks, utt_id)
            return marked.text

        for utt_id, text in side.items():
            change = partial(read_run, utt_id=utt_id, path=path, counts=counts)
            read_side[utt_id] = change_text(text, change)
        for line in counts.describe():
            logging.info("%s: %s; --marks %s", path, line, args.marks)
        has_marks |= bool(counts.counts)
        read.append(read_side)
    return (read[0], read[1]), has_marks
