"""Run a round of pseudo-labelling: decode, filter, measure, judge and write.

The folder `round_<k>/` of a round holds:
    emissions/      log-posteriors, written by make-emissions
    model/          from round 1 on, the model, written by train-asr
    labels/         the labels of all utterances with their metrics, as JSON lines
    data/train, data/valid      the kept utterances, whose `text` is the labels
    dropped         lines `utt_id reason`
    unspelled_words words that the tokens cannot spell
    weights.yaml    the chosen `blank_score`
    agreement.tsv   if a filter needs it
    health.json     the metrics of the round
    status.json     the verdict; written last, so a round that has it is complete

Beside the rounds, `status.json` is a copy of the latest one, `rounds.tsv` is a table of
all rounds, and `rounds.png` is a plot of that table.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import shutil
import time
from array import array
from collections.abc import Sequence
from pathlib import Path

from hamzaban.config import write_config
from hamzaban.data.files import read_scp
from hamzaban.data.ops import distribute
from hamzaban.data.select import LEFT_OUT, Assignment
from hamzaban.data.write import write_scp
from hamzaban.decode.beam import BeamSearch
from hamzaban.decode.lexicon import read_words
from hamzaban.decode.recognizer import load_tokenizer
from hamzaban.decode.spelling import (
    build_folded_lexicon,
    read_spelling,
    report_folded,
)
from hamzaban.decode.store import EmissionStore
from hamzaban.lm.info import hash_file
from hamzaban.pseudo import filters, guard
from hamzaban.pseudo.agreement import add_agreement, measure_agreement
from hamzaban.pseudo.blank_score import choose_blank_score
from hamzaban.pseudo.decode import label_store
from hamzaban.pseudo.health import (
    TextFacts,
    measure,
    read_text_facts,
    score_perplexity,
)
from hamzaban.pseudo.label import Label, Labeller, read_labels
from hamzaban.pseudo.record import (
    HEALTH,
    STATUS,
    WEIGHTS,
    read_measured_round,
    score_labels,
    write_health,
    write_status,
)
from hamzaban.pseudo.round_options import PseudoOptions

TRAIN, VALID = 0, 1  # the sets that kept utterances are split into


@dataclasses.dataclass(frozen=True)
class RoundFiles:
    """The files and folders of a round.

    Attributes:
        pseudo_exp: Folder of the rounds.
        asr_exp: Experiment of the model of the round, with any kind of tokens.
        data_dir: Data directory of the target audio; a `text` in it is ignored.
        lm_dir: Language model of the target, written by train-lm.
        text: Plain sentences of the target.
        bpemodel: Replaces the path in the config.yaml of the experiment.
        ref: References of some utterances, used only to report error rates.
    """

    pseudo_exp: Path
    asr_exp: Path
    data_dir: Path
    lm_dir: Path
    text: tuple[Path, ...]
    bpemodel: Path | None = None
    ref: Path | None = None

    def folder(self, number: int) -> Path:
        """Return the folder of a round."""
        return self.pseudo_exp / f"round_{number}"


def run_round(
    number: int, files: RoundFiles, options: PseudoOptions, *, nj: int = 1
) -> guard.Verdict:
    """Label, filter, measure and judge one round from its emissions.

    Args:
        number: Number of the round; 0 is that of the source model. Its emissions and
            all earlier rounds must exist.
        files: The files to read and the folder to write to.
        options: The values of conf/pseudo.yaml.
        nj: Number of processes.

    Returns:
        The verdict, which is also written to `status.json`.

    Raises:
        FileNotFoundError: Emissions or an earlier round are missing.
        ValueError: The files do not fit together.
    """
    start = time.monotonic()
    folder = files.folder(number)
    earlier = [read_measured_round(files.folder(k)) for k in range(number)]
    (folder / STATUS).unlink(missing_ok=True)
    facts = read_text_facts(files.text)
    store = EmissionStore(folder / "emissions")
    parts = _label(folder, store, files, options, facts=facts, nj=nj)
    labels = list(read_labels(parts))
    last = _read_texts(files.folder(number - 1)) if number else None
    perplexity = score_perplexity((label.text for label in labels), files.lm_dir)
    health = measure(labels, facts, perplexity=perplexity, last=last)
    compared = measure_agreement(labels, options.filters, folder, number)
    reasons = _filter(add_agreement(labels, compared), options)
    _write_kept(labels, reasons, folder, files.data_dir, options.valid_share)
    past = guard.MeasuredRound(health, len(labels) - len(reasons))
    scores = {} if files.ref is None else score_labels(labels, files.ref)
    write_health(folder / HEALTH, past, filters.count_reasons(reasons), scores)
    verdict = guard.judge([*earlier, past], options.guard)
    label_s = time.monotonic() - start
    write_status(files.pseudo_exp, number, files.asr_exp, verdict, label_s)
    return verdict


def _label(
    folder: Path,
    store: EmissionStore,
    files: RoundFiles,
    options: PseudoOptions,
    *,
    facts: TextFacts,
    nj: int,
) -> list[Path]:
    tokenizer, _ = load_tokenizer(files.asr_exp, files.bpemodel)
    if store.meta.num_tokens != len(tokenizer.tokens):
        raise ValueError(
            f"{store.folder}: emissions of {store.meta.num_tokens} tokens found, "
            f"expected the {len(tokenizer.tokens)} of {files.asr_exp}; make them with "
            "that model"
        )
    units = files.lm_dir / "word" / "units.txt"
    words = sorted(read_words(units), key=lambda word: -facts.counts[word])
    spelling = read_spelling(options.mapping, words)
    found = build_folded_lexicon(
        words, tokenizer, spelling, options.search.num_spellings, place=units
    )
    report_folded(found, folder / "unspelled_words")
    lm = files.lm_dir / "word" / "lm.bin"
    beam = BeamSearch(tokenizer, options.search, lexicon=found.lexicon, lm=lm)
    spellings = repr((found.lexicon.words, found.lexicon.spellings))
    labeller = Labeller(beam, tokenizer, store.meta.frame_shift_s)
    score = choose_blank_score(beam, labeller, store, options.blank_scores)
    source = {
        "emissions": hash_file(store.folder / "meta.json"),
        "lm": hash_file(lm),
        "lexicon": hashlib.sha256(spellings.encode()).hexdigest(),
        "search": repr(beam.options),
    }
    write_config({"blank_score": score}, folder / WEIGHTS, "Chosen by pseudo-label.")
    return label_store((labeller, store), folder / "labels", source, nj)


def _filter(labels: Sequence[Label], options: PseudoOptions) -> dict[str, str]:
    if not any(label.text for label in labels):
        return {label.utt_id: filters.EMPTY for label in labels}
    learnt = filters.resolve(options.filters, lambda: filters.learn_rates(labels))
    reasons = filters.apply(labels, learnt)
    counts = filters.count_reasons(reasons)
    shown = ", ".join(f"{name} {count}" for name, count in counts.items())
    logging.info(
        "%d of %d utterances kept; dropped: %s",
        len(labels) - len(reasons),
        len(labels),
        shown or "none",
    )
    return reasons


def _write_kept(
    labels: Sequence[Label],
    reasons: dict[str, str],
    folder: Path,
    data_dir: Path,
    valid_share: float,
) -> None:
    """Write `dropped`, and data directories of the kept utterances if there are two."""
    shutil.rmtree(folder / "data", ignore_errors=True)
    write_scp(folder / "dropped", reasons.items())
    kept = {label.utt_id: label for label in labels if label.utt_id not in reasons}
    if len(kept) < 2:
        return
    ranked = sorted(kept, key=lambda u: hashlib.sha256(u.encode()).digest())
    valid = set(ranked[: max(1, round(valid_share * len(ranked)))])
    parts: Assignment = array("i")
    for utt_id, _ in read_scp(data_dir / "utt2spk"):
        part = VALID if utt_id in valid else TRAIN
        parts.append(part if utt_id in kept else LEFT_OUT)
    if (lost := len(kept) - sum(part != LEFT_OUT for part in parts)) > 0:
        raise ValueError(
            f"{data_dir}/utt2spk: {lost} of {len(kept)} kept utterances are missing; "
            "give the --data_dir that the emissions were made from"
        )
    targets = {TRAIN: folder / "data" / "train", VALID: folder / "data" / "valid"}
    distribute(data_dir, parts, targets)
    for part, target in targets.items():
        ids = [u for u in kept if (u in valid) == (part == VALID)]
        write_scp(target / "text", ((u, kept[u].text) for u in ids))


def _read_texts(folder: Path) -> dict[str, str]:
    parts = sorted((folder / "labels").glob("*.jsonl"))
    return {label.utt_id: label.text for label in read_labels(parts)}
