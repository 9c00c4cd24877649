"""Cost of labelling, filtering and judging a round: time and memory.

Emissions are simulated (`simulated_emissions`), of --num_different held-out sentences,
repeated to --num_decoded; these are decoded by one process. Filters, health and guard
then go over --num_utts labels, those decoded repeated under other ids, as
`pseudo-label` reads them: from JSON lines.

Run:
    python tests/bench/bench_pseudo.py [--num_utts 100000] [--num_decoded 500]

Output: CPU time of decoding for each utterance and hour of audio, the size of labels on
disk, CPU time and peak memory of reading, filtering and measuring all of them.
"""

import argparse
import dataclasses
import os
import resource
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
from bench_beam import train_lm
from simulated_emissions import Channel, make_tokenizer, read_sentences

from hamzaban.decode.beam import BeamSearch
from hamzaban.decode.options import SearchOptions
from hamzaban.decode.store import EmissionStore, Meta, write_meta, write_part
from hamzaban.lm.text import read_plain
from hamzaban.pseudo import filters, guard
from hamzaban.pseudo.decode import label_store
from hamzaban.pseudo.health import measure, read_text_facts, score_perplexity
from hamzaban.pseudo.label import Labeller, read_labels, write_labels
from hamzaban.pseudo.options import read_options
from hamzaban.pseudo.spelling import build_folded_lexicon

CONFIG = Path(__file__).parents[2] / "conf" / "pseudo.yaml"
SHIFT_S = 0.02


def peak_mib() -> float:
    """Peak memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def decode(folder: Path, args: argparse.Namespace) -> list[Path]:
    """Make emissions and label them; print what it took."""
    train, held_out = read_sentences()
    tokenizer = make_tokenizer(folder / "tokens", train, args.num_tokens)
    lm = train_lm(folder / "lm", train, held_out) / "word"
    (folder / "sentences").write_text("".join(f"{s}\n" for s in train))
    channel = Channel(tokenizer)
    made = [channel.emit(text) for text in held_out[: args.num_different]]
    store_dir, number = folder / "emissions", args.num_decoded
    write_meta(store_dir, Meta({}, made[0].shape[1], SHIFT_S, number, 1))
    utts = ((f"u{i:07d}", made[i % len(made)]) for i in range(number))
    write_part(store_dir, 0, utts)
    store = EmissionStore(store_dir)
    words = list(read_plain(lm / "units.txt"))
    start = time.process_time()
    found = build_folded_lexicon(words, tokenizer, ({}, {}), 4)
    search: SearchOptions = read_options(CONFIG).search
    beam = BeamSearch(tokenizer, search, lexicon=found.lexicon, lm=lm / "lm.bin")
    built = time.process_time()
    paths = label_store(
        (Labeller(beam, tokenizer, SHIFT_S), store), folder / "labels", {}, 1
    )
    cpu_s = time.process_time() - built
    audio_s = sum(store.num_frames(utt) for utt in store) * SHIFT_S
    size = sum(path.stat().st_size for path in store_dir.iterdir())
    print(f"lexicon of {len(words)} words built in {built - start:.2f} s CPU")
    print(
        f"decoded {number} utterances, {audio_s:.0f} s of audio: "
        f"{1000 * cpu_s / number:.2f} ms CPU each, {cpu_s / audio_s:.5f} of the audio; "
        f"emissions {size / audio_s * 3600 / 2**20:.1f} MiB an hour"
    )
    return paths


def judge(folder: Path, paths: list[Path], number: int) -> None:
    """Read, filter, measure and judge as many labels as asked; print what it took."""
    few = list(read_labels(paths))
    many = (
        dataclasses.replace(few[i % len(few)], utt_id=f"u{i:07d}")
        for i in range(number)
    )
    write_labels(many, folder / "all.jsonl")
    options, times = read_options(CONFIG), [time.process_time()]
    before = peak_mib()
    labels = list(read_labels([folder / "all.jsonl"]))
    times.append(time.process_time())
    learnt = filters.resolve(options.filters, lambda: filters.learn_rates(labels))
    reasons = filters.apply(labels, learnt)
    times.append(time.process_time())
    facts = read_text_facts([folder / "sentences"])
    last = {label.utt_id: label.text for label in labels}
    health = measure(labels, facts, last=last)
    times.append(time.process_time())
    score_perplexity((label.text for label in labels), folder / "lm")
    times.append(time.process_time())
    past = guard.Past(health, number - len(reasons))
    guard.judge([past, past], options.guard)
    steps = [b - a for a, b in zip(times, times[1:], strict=False)]
    names = ("read", "filter", "health", "perplexity")
    shown = ", ".join(f"{n} {s:.1f}" for n, s in zip(names, steps, strict=True))
    megabytes = (folder / "all.jsonl").stat().st_size / 2**20
    print(f"{number} labels, {megabytes:.0f} MiB of JSON lines; s of CPU: {shown}")
    print(
        f"kept {past.num_kept}, {filters.count_reasons(reasons)}; "
        f"peak memory {peak_mib():.0f} MiB ({before:.0f} before)"
    )


def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num_utts", type=int, default=100_000)
    parser.add_argument("--num_decoded", type=int, default=500)
    parser.add_argument("--num_different", type=int, default=100)
    parser.add_argument("--num_tokens", type=int, default=512)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        paths = decode(Path(name), args)
        judge(Path(name), paths, args.num_utts)


if __name__ == "__main__":
    main()
