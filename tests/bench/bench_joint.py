"""The cost of joint training: heads in mixed batches, and drawing balanced batches.

Times are CPU times of this process; run it alone, or read the ratios only.
"""

import argparse
import resource
import time

import numpy as np
import torch

from hamzaban.asr.heads import LanguageHeads
from hamzaban.train.balance import Balance, BalancedSampler, Limits

LANGS = [f"l{i}" for i in range(4)]


def time_heads(rows: list[list[int]], repeats: int) -> float:
    """Return the median CPU time of scoring and its backward pass, in ms.

    Args:
        rows: Utterances of each language in a batch of 16.
        repeats: Number of measurements.
    """
    tokens = ["<blank>", "<unk>", *map(str, range(2046))]
    own = {lang: tokens[:2] + tokens[2 + i :: 4] for i, lang in enumerate(LANGS)}
    heads = LanguageHeads(tokens, 1024, own)
    hidden = torch.randn(16, 250, 1024, requires_grad=True)
    times = []
    for _ in range(repeats):
        start = time.process_time()
        parts = zip(LANGS, rows, strict=False)
        scores = [heads.score(hidden[chosen], lang) for lang, chosen in parts]
        sum(s.log_softmax(-1).logsumexp(-1).sum() for s in scores).backward()
        times.append(1000 * (time.process_time() - start))
    return float(np.median(times))


def time_sampler(num_utts: int) -> tuple[float, float, float]:
    """Return CPU s to build, CPU s for an epoch, and GB of memory at the peak."""
    rng = np.random.default_rng(0)
    samples = rng.integers(16000, 160000, num_utts).tolist()
    names = [f"common_voice_{LANGS[i % 4]}_{i:08}" for i in range(num_utts)]
    lengths = {
        name: (size, size / 100) for name, size in zip(names, samples, strict=True)
    }
    langs = {name: LANGS[i % 4] for i, name in enumerate(names)}
    start = time.process_time()
    sampler = BalancedSampler(lengths, langs, Balance(2.0), Limits(25_600_000))
    built = time.process_time()
    sampler.generate(3)
    end = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return built - start, end - built, peak


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--num_utts", type=int, nargs="+", default=[25_000, 250_000])
    args = parser.parse_args()
    torch.set_num_threads(1)
    print("heads on a batch of 16 x 5 s, 1,024 channels, 512 tokens a head; CPU ms")
    for name, rows in (
        ("one language", [list(range(16))]),
        ("two languages", [list(range(8)), list(range(8, 16))]),
        ("four languages", [list(range(k, 16, 4)) for k in range(4)]),
    ):
        print(f"  {name:15} {time_heads(rows, args.repeats):8.1f}")
    print("balanced batches: utterances, CPU s to build, CPU s an epoch, GB")
    for num_utts in args.num_utts:
        build, epoch, peak = time_sampler(num_utts)
        print(f"  {num_utts:9,} {build:8.2f} {epoch:8.2f} {peak:8.2f}")


if __name__ == "__main__":
    main()
