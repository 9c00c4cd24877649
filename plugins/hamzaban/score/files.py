"""Write the folders score_wer, score_cer and score_ter."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hamzaban.fileio import atomic_path
from hamzaban.score.nist import (
    check_result,
    check_tokens,
    finish_sclite,
    start_sclite,
)
from hamzaban.score.notation import Marked, split_text
from hamzaban.score.sclite import Scored, format_result, score_pairs
from hamzaban.score.scoring import Scoring
from hamzaban.score.trn import Pair, write_trn

SCORERS = ("auto", "sclite", "own")
SCORING = Scoring()  # as sclite when ESPnet calls it


def format_title(normalizer: str) -> str:
    """Return the system's name in result.txt: hypothesis file and normalizer."""
    return f"hyp.trn, normalizer {normalizer}"


def check_utterances(
    ref: Mapping[str, str], hyp: Mapping[str, str], place: str | Path
) -> list[str]:
    """Check that every hypothesis has a reference.

    Args:
        ref: References by utterance id.
        hyp: Hypotheses by utterance id.
        place: File of the hypotheses, for messages.

    Returns:
        Ids without a hypothesis, in the order of the references.

    Raises:
        ValueError: A hypothesis has no reference.
    """
    unknown = [utt_id for utt_id in hyp if utt_id not in ref]
    if unknown:
        raise ValueError(
            f"{place}: utterance '{unknown[0]}' has no reference ({len(unknown)} "
            "in all); give the reference text of the set that was decoded"
        )
    missing = [utt_id for utt_id in ref if utt_id not in hyp]
    if missing:
        logging.warning(
            "%s: %d of %d utterances have no hypothesis and count as deletions: %s",
            place,
            len(missing),
            len(ref),
            " ".join(missing[:5] + ["..."] * (len(missing) > 5)),
        )
    return missing


def pair_texts(
    ref: Mapping[str, str],
    hyp: Mapping[str, str],
    trn_ids: Mapping[str, str],
    split: Callable[[str], list[str]],
) -> list[Pair]:
    """Return pairs of references and hypotheses of the same utterance id.

    Args:
        ref: Text of each utterance; its order is kept.
        hyp: Text of each decoded utterance; a missing one is empty.
        trn_ids: Id in the trn files of each utterance.
        split: Returns the tokens of a text that are counted.

    Raises:
        ValueError: An utterance has no speaker.
    """
    pairs = []
    for utt_id, text in ref.items():
        if utt_id not in trn_ids:
            raise ValueError(
                f"utterance '{utt_id}' of the reference is not in utt2spk; add it"
            )
        other = hyp.get(utt_id, "")
        pairs.append(
            Pair(
                trn_ids[utt_id],
                split_text(text, split),
                split_text(other, split),
                isinstance(text, Marked) or isinstance(other, Marked),
            )
        )
    return pairs


def score_folder(
    pairs: Sequence[Pair],
    score_dir: str | Path,
    *,
    normalizer: str = "raw",
    scoring: Scoring = SCORING,
    command: Sequence[str] | None = None,
) -> Scored:
    """Write ref.trn, hyp.trn and, last, result.txt.

    Args:
        pairs: The utterances.
        score_dir: Folder, made if missing.
        normalizer: Id of the normalizer both texts passed; named in result.txt.
        scoring: How tokens are compared and counted; sclite takes no unit costs.
        command: Command of sclite, whose output is result.txt and is compared with our
            own scores. None: result.txt has our own scores.

    Raises:
        ValueError: sclite failed or has other scores; no result.txt is left.
    """
    score_dir, title = Path(score_dir), format_title(normalizer + scoring.suffix)
    result = score_dir / "result.txt"
    result.unlink(missing_ok=True)
    write_trn(score_dir / "ref.trn", [(pair.trn_id, pair.ref) for pair in pairs])
    write_trn(score_dir / "hyp.trn", [(pair.trn_id, pair.hyp) for pair in pairs])
    scored = score_pairs(pairs, **scoring.options)
    with atomic_path(result) as output:
        if command is None:
            with open(output, "w", encoding="utf-8", newline="\n") as stream:
                stream.writelines(format_result(scored, title))
        else:
            check_tokens(scored)
            process = start_sclite(
                [*command, *scoring.list_sclite_options()],
                score_dir,
                output,
                title=title,
            )
            finish_sclite(process, score_dir)
            check_result(output, scored, title)
    return scored
