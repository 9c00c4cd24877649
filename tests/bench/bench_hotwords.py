"""Recall of hotwords and WER with and without them: ours and pyctcdecode's.

The emissions are those of `simulated_emissions`: held-out sentences as BPE pieces and
as characters. The hotwords are the words of 6 or more letters that occur in the
held-out sentences and at most once in the text of the language model, as names do, and
as many of the same kind that nobody says. Each decoder searches without a language
model, and with the word 3-gram of the other sentences; all hotwords have one weight.
pyctcdecode's weight is its own: `hotword_weight`, by default 10.

Run:
    python tests/bench/bench_hotwords.py [--num_utts 300] [--peers DIR]
--peers is a folder with pyctcdecode, as in bench_beam.py.

Output: for each weight the recall of hotwords, how many are found that were not said,
    the WER and utterances per second of CPU time.
Goal: recall at least pyctcdecode's, at a WER that is lower than without hotwords.
"""

import argparse
import collections
import logging
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench_beam import measure, train_lm, word_error_rate
from simulated_emissions import Channel, make_tokenizer, read_sentences

from hamzaban.decode.hotwords import Hotword
from hamzaban.decode.search import SearchFiles
from hamzaban.decode.searches.lexicon import LexiconSearch
from hamzaban.decode.searches.token import TokenSearch
from hamzaban.text.tokens import SPACE, BpeTokenizer, Tokenizer

WEIGHTS = (2.0, 5.0, 8.0, 12.0)  # ours, nats
PEER_WEIGHTS = (3.0, 10.0, 20.0)
MIN_LETTERS = 6
Decode = Callable[..., str]


def choose_hotwords(train: Sequence[str], refs: Sequence[str]) -> list[str]:
    """Return rare words that are said, and as many that are not."""
    known = collections.Counter(word for line in train for word in line.split())
    said = {word for line in refs for word in line.split()}
    rare = sorted(w for w in said if known[w] <= 1 and len(w) >= MIN_LETTERS)
    others = sorted(
        w
        for w, n in known.items()
        if n == 1 and len(w) >= MIN_LETTERS and w not in said
    )
    random.Random(0).shuffle(others)
    return rare + others[: len(rare)]


def ours(
    tokenizer: Tokenizer, lm_dir: Path | None, words: Sequence[str], weight: float
):
    """Our search; weight 0: without hotwords."""
    hotwords = tuple(Hotword((w,), weight) for w in words) if weight else ()
    search = TokenSearch(lm_unit="none")
    if lm_dir is not None:
        search = LexiconSearch(lm_weight=0.5, word_score=1.0)
    decoder = search.build(tokenizer, SearchFiles(lm_dir, hotwords=hotwords))
    return lambda log_probs: decoder.decode(log_probs)[0].text


def theirs(
    tokenizer: Tokenizer, lm_dir: Path | None, words: Sequence[str], weight: float
):
    """pyctcdecode's search; weight 0: without hotwords."""
    from pyctcdecode import build_ctcdecoder

    special = {"<blank>": "", "<unk>": "\u2047", SPACE: " ", "<sos/eos>": "</s>"}
    if isinstance(tokenizer, BpeTokenizer):
        special["<unk>"] = "\u2581\u2047\u2581"
    labels = [special.get(token, token) for token in tokenizer.tokens]
    if lm_dir is None:
        decoder = build_ctcdecoder(labels)
    else:
        known = (lm_dir / "word" / "units.txt").read_text().split()
        decoder = build_ctcdecoder(
            labels, str(lm_dir / "word" / "lm.arpa"), known, 0.5, 1.0
        )
    more = {"hotwords": list(words), "hotword_weight": weight} if weight else {}
    return lambda log_probs: decoder.decode(log_probs, beam_width=50, **more)


def count_found(
    refs: Sequence[str], hyps: Sequence[str], words: Sequence[str]
) -> tuple[int, int, int]:
    """Return hotwords said, those of them found, and found ones that are not said."""
    hot = set(words)
    said = found = wrong = 0
    for ref, hyp in zip(refs, hyps, strict=True):
        left = collections.Counter(w for w in ref.split() if w in hot)
        right = collections.Counter(w for w in hyp.split() if w in hot)
        said += left.total()
        found += (left & right).total()
        wrong += (right - left).total()
    return said, found, wrong


def main() -> None:
    """Run all decoders and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num_utts", type=int, default=300)
    parser.add_argument("--num_tokens", type=int, nargs="+", default=[32, 512])
    parser.add_argument("--peers", type=Path)
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    ways = {"ours": (ours, (0.0, *WEIGHTS))}
    if args.peers is not None:
        sys.path.insert(0, str(args.peers))
        ways["pyctcdecode"] = (theirs, (0.0, *PEER_WEIGHTS))
    train, held_out = read_sentences()
    refs = held_out[: args.num_utts]
    words = choose_hotwords(train, refs)
    print(f"{len(refs)} utterances, {len(words)} hotwords, half of them not said")
    with tempfile.TemporaryDirectory() as name:
        lm = train_lm(Path(name) / "lm", train, [])
        for num_tokens in args.num_tokens:
            folder = Path(name) / f"tokens{num_tokens}"
            tokenizer = make_tokenizer(folder, train, num_tokens)
            channel = Channel(tokenizer)
            emissions = [channel.emit(ref) for ref in refs]
            for lm_dir in (None, lm):
                print(f"\n{num_tokens} tokens, {'word 3-gram' if lm_dir else 'no LM'}")
                print("                weight  recall  not said    WER   utt/s")
                for title, (way, weights) in ways.items():
                    for weight in weights:
                        decode = way(tokenizer, lm_dir, words, weight)
                        hyps, cpu_s = measure(decode, emissions)
                        said, found, wrong = count_found(refs, hyps, words)
                        wer, speed = word_error_rate(refs, hyps), len(refs) / cpu_s
                        print(
                            f"  {title:12}{weight:8g}{100 * found / said:8.1f}"
                            f"{wrong:10}{wer:7.2f}{speed:8.1f}",
                            flush=True,
                        )


if __name__ == "__main__":
    main()
