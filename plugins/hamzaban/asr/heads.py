"""CTC heads of several languages on one encoder, over one list of tokens."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LOG_ZERO = -60000.0  # log-posterior of a token that a head does not have


class LanguageHeads(nn.Module):
    """One linear layer for each language, in place of ESPnet's CTC module.

    A head scores only the tokens of its language. Its output still has the length of
    the joint token list, so searches, token lists and language models need no changes.

    Attributes:
        languages: The languages, in the order of their ids.
        dropout_rate: Dropout of the input of the heads, in training.
        heads: The linear layer of each language.
    """

    def __init__(
        self,
        token_list: Sequence[str],
        width: int,
        head_tokens: Mapping[str, Sequence[str]],
        dropout_rate: float = 0.0,
    ) -> None:
        """Build the heads.

        Args:
            token_list: All tokens, V; blank is the first.
            width: Channels of the encoder's output, D.
            head_tokens: Tokens of each language.
            dropout_rate: Share in 0..1.

        Raises:
            ValueError: A head lacks blank or the unknown token, or has one that is not
                in the list.
        """
        super().__init__()
        self.languages = tuple(head_tokens)
        self.dropout_rate = dropout_rate
        self.vocab_size = len(token_list)
        places = {token: i for i, token in enumerate(token_list)}
        self.heads = nn.ModuleDict()
        for lang, tokens in head_tokens.items():
            ids = _list_ids(lang, tokens, places)
            self.heads[lang] = nn.Linear(width, len(ids))
            local = torch.full((len(token_list),), ids.index(1))
            local[torch.tensor(ids)] = torch.arange(len(ids))
            self.register_buffer(f"ids_{lang}", torch.tensor(ids), persistent=False)
            self.register_buffer(f"local_{lang}", local, persistent=False)

    def score(self, hidden: Tensor, lang: str) -> Tensor:
        """Score the tokens of a language.

        Args:
            hidden: Output of the encoder, shape (B, T, D).
            lang: The language.

        Returns:
            Scores of its own V' tokens, shape (B, T, V').
        """
        hidden = F.dropout(hidden, self.dropout_rate, self.training)
        return self.heads[lang](hidden)

    def to_local(self, text: Tensor, lang: str) -> Tensor:
        """Map ids of the joint list to the ids of a head; -1 stays -1.

        Args:
            text: Token ids, shape (B, L). A token the head lacks becomes unknown.
            lang: The language.
        """
        local = getattr(self, f"local_{lang}")[text.clamp(min=0)]  # (B, L)
        return torch.where(text < 0, text, local)

    def log_probs(self, hidden: Tensor, lang: str) -> Tensor:
        """Return log-posteriors (natural log) over the joint list, shape (B, T, V)."""
        own = self.score(hidden, lang).float().log_softmax(-1)  # (B, T, V')
        joint = own.new_full((*own.shape[:-1], self.vocab_size), LOG_ZERO)
        return joint.index_copy_(-1, getattr(self, f"ids_{lang}"), own)

    def log_softmax(self, hidden: Tensor) -> Tensor:
        """Raise an error for a caller that expects a model with a single head.

        Raises:
            ValueError: Always; the message says what to do.
        """
        raise ValueError(
            f"the model has a CTC head for each of {', '.join(self.languages)} and no "
            "language was given; expected a tool that chooses one: `hamzaban "
            "decode-asr` or `make-emissions` with `language: utt2lang`, `predicted` "
            "or a language"
        )

    argmax = softmax = forward = log_softmax


class LanguageScores:
    """What decoding asks of a model of several languages, whoever computes features.

    Attributes:
        vocab_size: Number of tokens of all languages, V.
        ctc: A head for each language, or one for all.
        lid: The language-ID head; None without one.
    """

    vocab_size: int
    ctc: Any
    lid: Any

    @property
    def has_heads(self) -> bool:
        """Return whether each language has a head of its own."""
        return isinstance(self.ctc, LanguageHeads)

    def identify(self, encoder_out: Tensor, frames: Tensor) -> Tensor:
        """Score the languages of utterances.

        Args:
            encoder_out: Shape (B, T, D).
            frames: Valid frames, shape (B,).

        Returns:
            Scores before the softmax, shape (B, N) for N languages.
        """
        assert self.lid is not None
        steps = torch.arange(encoder_out.size(1), device=frames.device)  # (T,)
        inside = (steps < frames[:, None])[..., None]  # (B, T, 1)
        total = encoder_out.masked_fill(~inside, 0.0).sum(1)  # (B, D)
        return self.lid(total / frames.clamp(min=1)[:, None])

    def log_probs(self, encoder_out: Tensor, lang: Sequence[str]) -> Tensor:
        """Return the log-posteriors (natural log) that each utterance's head gives.

        Args:
            encoder_out: Shape (B, T, D).
            lang: The language of each utterance.

        Returns:
            Shape (B, T, V); `LOG_ZERO` where a head has no such token.
        """
        if not isinstance(self.ctc, LanguageHeads):
            return self.ctc.log_softmax(encoder_out)
        size = (*encoder_out.shape[:-1], self.vocab_size)
        out = torch.empty(size, dtype=torch.float32, device=encoder_out.device)
        for name in dict.fromkeys(lang):
            rows = torch.tensor([i for i, x in enumerate(lang) if x == name])
            rows = rows.to(encoder_out.device)
            out[rows] = self.ctc.log_probs(encoder_out[rows], name)
        return out


def _list_ids(lang: str, tokens: Sequence[str], places: Mapping[str, int]) -> list[int]:
    unknown = [token for token in tokens if token not in places]
    if unknown:
        raise ValueError(
            f"model_conf.head_tokens: {lang}: {unknown[0]!r} is not in the token list; "
            "leave head_tokens out, it is made from the training text"
        )
    ids = sorted({places[token] for token in tokens})
    if ids[:2] != [0, 1]:
        raise ValueError(
            f"model_conf.head_tokens: {lang}: expected blank and the unknown token "
            "among them; leave head_tokens out, it is made from the training text"
        )
    return ids
