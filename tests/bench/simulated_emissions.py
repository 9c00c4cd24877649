"""CTC log-posteriors of real text through a simulated acoustic channel.

The text is Python's own language reference (`pydoc_data.topics`), which is on every
machine: its sentences of 4 to 16 words, lower case, letters only. One in ten is held
out; the others train tokens and language model.

The channel, for each token of a sentence, all drawn from one seed:
- with probability `deletion` the token is not heard; with `insertion` another one, of
  no meaning, is heard before it;
- it lasts 1 to 3 frames (60, 30, 10 %), after a pause of at least one frame, geometric
  with the mean that makes a character take 80 ms and a piece its length in characters
  times that;
- in its frames it has the share Beta(8, 0.6) of the mass, but with probability
  `confusion` Beta(2, 2); four fifths of the rest go to its five confusable tokens
  (fixed, drawn once), Dirichlet(0.5), the last fifth to blank;
- frames between: 88 % have all but 1e-6 to 5e-4 (log-uniform) on blank, the others
  Beta(20, 2); the rest is shared by the tokens on both sides;
- a share of each frame is spread over all tokens, log-normal: median 3e-6 between
  tokens, 4e-4 in them;
- log-posteriors are rounded to half precision, as the store keeps them.
These numbers are those of the model trained in egs2/mini_ar (25,201 frames of its test
set, 67 tokens): 77 % of all frames have a blank over 0.999, the best token of the
others a median of 0.977, tokens beyond the fifth a median of 2.5e-6 and 3.6e-4.
So posteriors are peaked, errors are confusions of similar tokens, and long tokens are
repeated, as in CTC models.
"""

import random
import re
from pathlib import Path

import numpy as np

from hamzaban.bin.make_tokens import main as make_tokens
from hamzaban.text.tokens import Tokenizer, build_tokenizer

FRAMES_A_CHAR = 4  # of 20 ms


def read_sentences() -> tuple[list[str], list[str]]:
    """Return sentences to train on, and held-out ones."""
    from pydoc_data.topics import topics

    found: list[str] = []
    for name in sorted(topics):
        text = re.sub(r"[\s\-/]+", " ", topics[name].lower())
        for sentence in re.split(r"[.:;!?()\"*`=\[\]{}<>|]+", text):
            words = re.findall(r"[a-z]+", sentence)
            if 4 <= len(words) <= 16 and max(map(len, words)) < 16:
                found.append(" ".join(words))
    found = list(dict.fromkeys(found))
    random.Random(0).shuffle(found)
    return found[len(found) // 10 :], found[: len(found) // 10]


def make_tokenizer(folder: Path, text: list[str], num_tokens: int) -> Tokenizer:
    """Make a token list: characters for 32 or fewer tokens, else BPE (unigram)."""
    lines = "".join(f"u{i:06d} {line}\n" for i, line in enumerate(text))
    folder.mkdir(parents=True)
    (folder / "text").write_text(lines, encoding="utf-8")
    kind = "char" if num_tokens <= 32 else "bpe"
    words = ["--token_type", kind, "--nbpe", str(num_tokens), "--output_dir"]
    make_tokens([*words, str(folder), str(folder / "text")])
    model = folder / "bpe.model" if kind == "bpe" else None
    return build_tokenizer(kind, folder / "tokens.txt", model)


class Channel:
    """The simulated acoustic model of one token list."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        seed: int = 0,
        confusion: float = 0.15,
        deletion: float = 0.02,
        insertion: float = 0.01,
    ) -> None:
        self._tokenizer = tokenizer
        self._size = len(tokenizer.tokens)
        self._rng = np.random.default_rng(seed)
        self._rates = confusion, deletion, insertion
        others = np.arange(2, self._size - 1)
        self._like = np.array(
            [self._rng.permutation(others)[:5] for _ in range(self._size)]
        )

    def emit(self, text: str) -> np.ndarray:
        """Return log-posteriors of a sentence, shape (T, V)."""
        rng = self._rng
        confusion, deletion, insertion = self._rates
        frames: list[np.ndarray] = []
        spread: list[float] = []  # log10 of what all tokens share
        before = 0
        for token in self._tokenizer.texts2ids([text])[0]:
            if rng.random() < deletion:
                continue
            heard = [token]
            if rng.random() < insertion:
                heard.insert(0, int(rng.integers(2, self._size - 1)))
            for one in heard:
                length = len(self._tokenizer.tokens[token].lstrip("\u2581<")) or 1
                pause = rng.geometric(
                    1 / max(FRAMES_A_CHAR * min(length, 6) - 1.5, 1.01)
                )
                frames += [self._gap(before, one) for _ in range(pause)]
                spread += rng.normal(-5.5, 0.6, pause).tolist()
                weak = rng.random() < confusion
                for _ in range(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1])):
                    frames.append(self._peak(one, weak))
                    spread.append(rng.normal(-3.4, 0.5))
                before = one
        frames += [self._gap(before, 0) for _ in range(5)]
        noise = rng.lognormal(0, 1.5, (len(frames), self._size))
        noise /= noise.sum(1, keepdims=True)
        share = 10.0 ** np.array([*spread, *[-5.5] * 5])[:, None]
        probs = (1 - share) * np.array(frames) + share * noise
        return np.log(probs).astype(np.float16).astype(np.float32)

    def _gap(self, left: int, right: int) -> np.ndarray:
        frame = np.zeros(self._size)
        sure = self._rng.random() < 0.88
        leak = 10 ** self._rng.uniform(-6, -3.3)
        frame[0] = 1 - leak if sure else self._rng.beta(20, 2)
        for token in (left, right):
            frame[token] += (1 - frame[0]) / 2 if token else 0.0
        return frame / frame.sum()

    def _peak(self, token: int, weak: bool) -> np.ndarray:
        frame = np.zeros(self._size)
        share = self._rng.beta(2, 2) if weak else self._rng.beta(8, 0.6)
        like = self._like[token]
        frame[like] = 0.8 * (1 - share) * self._rng.dirichlet(np.full(len(like), 0.5))
        frame[0] = 0.2 * (1 - share)
        frame[token] += share
        return frame
