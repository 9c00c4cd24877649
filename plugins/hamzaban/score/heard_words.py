"""Say how well the confidences of a scored set fit its words."""

import argparse
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hamzaban.score.calibration import (
    describe_curve,
    measure_curve,
    pair_steps,
    read_heard,
    write_curve,
)
from hamzaban.score.confidence import (
    Judged,
    compute_cross_entropy,
    describe_cross_entropy,
    judge_texts,
)
from hamzaban.score.normalized import Rules, Texts, normalize_texts
from hamzaban.score.notation import Heard
from hamzaban.score.sclite import Scored
from hamzaban.score.scoring import Scoring
from hamzaban.text.cleaner import parse_options
from hamzaban.text.multilingual import MULTIPLE

CURVE = "score_wer/calibration.tsv"


def report_confidences(
    args: argparse.Namespace, scoring: Scoring, texts: Texts, scored: Scored
) -> Iterator[str]:
    """Yield a line with NCE and ECE if words have confidences; write the curve.

    The words are those of the ctm that is scored, or of the file `ctm` that decode-asr
    writes beside its `text`.

    Args:
        args: Options of score-text.
        scoring: How words are compared.
        texts: References and hypotheses as read, by utterance id.
        scored: The scores of the words, utterances in the order of the references.
    """
    left_out = 0
    if args.hyp.suffix.lower() == ".ctm":
        words = judge_texts(*texts, scoring)
    else:
        words, left_out = _judge_beside(args, texts, scored)
    if not words:
        return
    curve = measure_curve(words)
    line = describe_cross_entropy(compute_cross_entropy(words))
    line += f"; {describe_curve(curve)}"
    if left_out:
        line += f"; {left_out} utterances left out, whose words a rule joins"
    if args.output_dir is not None:
        write_curve(curve, args.output_dir / CURVE)
        line += f"; {args.output_dir / CURVE}"
    yield line


def _judge_beside(
    args: argparse.Namespace, texts: Texts, scored: Scored
) -> tuple[list[Judged], int]:
    """Return the words of the ctm beside a text, and how many utterances lack them."""
    ctm = args.hyp.with_name("ctm")
    if args.hyp.name != "text" or not ctm.is_file():
        return [], 0
    heard = read_heard(ctm)
    for utt_id in texts[1].keys() | heard.keys():
        found = " ".join(heard.get(utt_id, []))
        if found != " ".join(texts[1].get(utt_id, "").split()):
            logging.warning(
                "%s: its words are not those of %s in utterance %s; the confidences "
                "are not measured: decode again",
                ctm,
                args.hyp,
                utt_id,
            )
            return [], 0
    return _pair_confidences(args, heard, list(texts[0]), scored)


def _pair_confidences(
    args: argparse.Namespace,
    heard: Mapping[str, Sequence[Heard]],
    utt_ids: Sequence[str],
    scored: Scored,
) -> tuple[list[Judged], int]:
    """Return the words of utterances and the number of utterances left out.

    If normalization changed the number of words of an utterance, its words are
    normalized one by one, and each part has the confidence of the whole.
    """
    sizes = [len(step) - step.count(b"D") for step in scored.steps]
    given = {u: [w.confidence for w in words] for u, words in heard.items()}
    changed = [
        utt_id
        for utt_id, size in zip(utt_ids, sizes, strict=True)
        if size != len(given.get(utt_id, []))
    ]
    given |= _spread({utt_id: heard.get(utt_id, []) for utt_id in changed}, args)
    words: list[Judged] = []
    left_out = 0
    for u, (utt_id, size) in enumerate(zip(utt_ids, sizes, strict=True)):
        confidences = given.get(utt_id, [])
        if len(confidences) != size or u in scored.marked:
            left_out += 1
        else:
            words += pair_steps(scored.steps[u], confidences)
    return words, left_out


def _spread(
    heard: Mapping[str, Sequence[Heard]], args: argparse.Namespace
) -> dict[str, list[float | None]]:
    """Return a confidence for each part of words that a normalizer splits or drops."""
    if not heard or args.lang in (None, MULTIPLE):
        return {}
    options = parse_options(args.score_options)
    rules = Rules(args.lang, args.score_profile, options, args.marks == "keep")
    single = {f"{u} {i}": w for u, words in heard.items() for i, w in enumerate(words)}
    _, (_, parts) = normalize_texts(({}, single), rules, Path())
    return {
        utt_id: [
            word.confidence
            for i, word in enumerate(words)
            for _ in parts[f"{utt_id} {i}"].split()
        ]
        for utt_id, words in heard.items()
    }
