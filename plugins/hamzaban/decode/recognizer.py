"""A trained model and its tokens, loaded from an experiment's folder."""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hamzaban.decode.decode_options import DecodeOptions
from hamzaban.decode.emissions import (
    Utterance,
    emit,
    list_conv_layers,
    pad,
    read_speech,
)
from hamzaban.decode.experiment import find_experiment, find_named
from hamzaban.decode.languages import Routing, Spoken, emit_languages, make_routing
from hamzaban.decode.model_weights import load_model
from hamzaban.extras import is_installed, name_install
from hamzaban.text.tokens import BpeTokenizer, Tokenizer, build_tokenizer
from hamzaban.wav2vec2.finetuned_names import find_config

if TYPE_CHECKING:
    from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Recognizer:
    """A model that runs on batches of utterances.

    Attributes:
        model: An ESPnet2 ASR model with a CTC head, in eval mode.
        tokenizer: Converts the model's token ids to text.
        fs: Sampling rate that the model expects, in Hz.
        conv: (kernel, stride) of each convolution of the frontend.
        routing: How languages are chosen, for a model of several.
        dropout_seed: Seed of dropout while the model decodes; None: no dropout.
    """

    model: Any
    tokenizer: Tokenizer
    fs: int
    conv: Sequence[tuple[int, int]]
    routing: Routing | None = None
    dropout_seed: int | None = None

    @property
    def frame_shift_s(self) -> float:
        """Time between two frames."""
        return math.prod(stride for _, stride in self.conv) / self.fs

    def route(self, data_dir: str | Path, mode: str) -> Recognizer:
        """Return a recognizer that chooses the languages of a data directory.

        Raises:
            FileNotFoundError: utt2lang is needed and missing.
            ValueError: The model cannot choose languages in this way.
        """
        routing = make_routing(self.model, data_dir, mode)
        return dataclasses.replace(self, routing=routing)

    def drop_out(self, rate: float, seed: int) -> Recognizer:
        """Return a recognizer with dropout on, at one rate in all its layers.

        The agreement of runs with several seeds measures how sure the model is (Monte
        Carlo dropout, Gal and Ghahramani 2016).

        Raises:
            ValueError: The model has no dropout.
        """
        import torch

        found = [m for m in self.model.modules() if isinstance(m, torch.nn.Dropout)]
        if not found:
            raise ValueError(
                "the model has no layer of dropout to turn on; leave --dropout out"
            )
        for module in found:
            module.p = rate
            module.train()
        return dataclasses.replace(self, dropout_seed=seed)

    def read(self, batch: Sequence[Utterance]) -> list[Tensor]:
        """Return the waveforms of a batch, shape (samples,) each."""
        return [read_speech(utt, self.fs) for utt in batch]

    def emit(
        self, waveforms: Sequence[Tensor], utt_ids: Sequence[str] = ()
    ) -> tuple[Tensor, Tensor, list[Spoken]]:
        """Run the model on a batch.

        Args:
            waveforms: B waveforms, shape (samples,) each, at least one frame long.
            utt_ids: Their utt_ids, by which languages are chosen.

        Returns:
            Log-posteriors (natural log), shape (B, T, V), numbers of valid frames,
            shape (B,), and the languages.
        """
        if self.routing is None:
            return *emit(self.model, waveforms), [Spoken()] * len(waveforms)
        wanted = [self.routing.wanted(utt_id) for utt_id in utt_ids]
        return emit_languages(self.model, *pad(self.model, waveforms), wanted)


def load_recognizer(
    asr_exp: str | Path,
    asr_model: str,
    *,
    bpemodel: str | Path | None = None,
    device: str = "cpu",
    native: bool = False,
) -> Recognizer:
    """Load a model that train-asr wrote.

    Args:
        asr_exp: Folder with `config.yaml` and the model file.
        asr_model: Name of the model file in `asr_exp`, such as `valid.wer.ave.pth`.
        bpemodel: SentencePiece model; None: the one that `config.yaml` names.
        device: Device of the model: `cpu` or `cuda`.
        native: Run it without ESPnet, which `native.why_not_native` must allow.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: The files do not fit together.
    """
    config, model_file = find_files(asr_exp, asr_model)
    args = read_config(config)
    tokenizer = build_tokenizer(
        args.token_type, args.token_list, bpemodel or args.bpemodel
    )
    model = load_model(args, config, model_file, native=native)
    fs = (getattr(args, "frontend_conf", None) or {}).get("fs", 16000)
    model = model.to(device).eval()
    return Recognizer(model, tokenizer, _parse_rate(fs), list_conv_layers(model))


def load_tokenizer(
    asr_exp: str | Path, bpemodel: str | Path | None = None
) -> tuple[Tokenizer, Path | None]:
    """Load the tokens of an experiment, without its model.

    Returns:
        The tokenizer, and the SentencePiece model it uses; None for characters.

    Raises:
        FileNotFoundError: A file is missing.
    """
    config = find_config(find_experiment(asr_exp))
    if not config.is_file():
        raise FileNotFoundError(
            f"{config}: missing; {asr_exp} is not a folder that train-asr wrote"
        )
    args = read_config(config)
    path = bpemodel or args.bpemodel
    try:
        tokenizer = build_tokenizer(args.token_type, args.token_list, path)
    except ValueError as error:
        raise ValueError(f"{config}: {error}") from error
    except OSError as error:
        raise FileNotFoundError(f"{config} names {error}") from error
    is_bpe = isinstance(tokenizer, BpeTokenizer)
    return tokenizer, Path(path) if is_bpe else None


def load_for_decoding(
    asr_exp: str | Path,
    options: DecodeOptions,
    *,
    bpemodel: str | Path | None = None,
    native: bool = False,
) -> Recognizer:
    """Load a model as the options say; import only the part of ESPnet that it needs.

    Args:
        asr_exp: Folder or archive of an experiment.
        options: Options of decoding.
        bpemodel: SentencePiece model; None: the one that `config.yaml` names.
        native: Do without ESPnet if the model allows it. Otherwise this is done only
            where ESPnet is not installed. Posteriors agree to about 1e-5.

    Raises:
        ValueError: A GPU is asked for and there is none, or the model needs ESPnet,
            which is not installed.
    """
    from hamzaban import compat, devices
    from hamzaban.decode.native import why_not_native

    devices.require_gpus(options.ngpu)
    config, _ = find_files(asr_exp, options.asr_model)
    has_espnet = is_installed("espnet2") and is_installed("s3prl")
    reason = ""
    if native or not has_espnet:
        reason = why_not_native(vars(read_config(config)))
        native = not reason
    if reason and not has_espnet:
        raise ValueError(
            f"{config}: {reason} found, a model that needs ESPnet and S3PRL, which are "
            f"not installed; {name_install('train')} installs them"
        )
    if not native:
        with compat.fast_imports():
            import hamzaban.asr.task  # noqa: F401
    return load_recognizer(
        asr_exp,
        options.asr_model,
        bpemodel=bpemodel,
        device="cuda" if options.ngpu else "cpu",
        native=native,
    )


def set_threads(num_threads: int, *, forced: bool = False) -> None:
    """Set the number of torch's threads; OMP_NUM_THREADS wins unless `forced`."""
    import torch

    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if not forced and wanted.isdecimal() and int(wanted) > 0:
        num_threads = int(wanted)
    torch.set_num_threads(num_threads)


def find_files(asr_exp: str | Path, asr_model: str) -> tuple[Path, Path]:
    """Return the configuration and the model file of an experiment.

    Raises:
        FileNotFoundError: One is missing; the message names the model files there.
        NotADirectoryError: There is no such experiment.
    """
    asr_exp = find_experiment(asr_exp)
    config, model_file = find_config(asr_exp), asr_exp / asr_model
    if not config.is_file():
        raise FileNotFoundError(
            f"{config}: missing; {asr_exp} is not a folder that train-asr wrote"
        )
    if not model_file.is_file():
        there = sorted(path.name for path in asr_exp.glob("*.pth"))
        raise FileNotFoundError(
            f"{model_file}: missing; there: {', '.join(there) or 'no .pth file'}; "
            "give one with --asr_model, or let the training end"
        )
    return config, model_file


def read_config(path: str | Path) -> argparse.Namespace:
    """Read an ESPnet2 `config.yaml`.

    Raises:
        ValueError: It is not YAML, or not the configuration of an ASR model.
    """
    from hamzaban.config import load_mapping

    values = load_mapping(path)
    missing = {"token_list", "token_type", "bpemodel"} - set(values)
    if missing:
        raise ValueError(
            f"{path}: {', '.join(sorted(missing))} not found, expected the "
            "configuration of an ASR model; give the --asr_exp of train-asr"
        )
    if isinstance(values["bpemodel"], str):
        values["bpemodel"] = str(find_named(values["bpemodel"], Path(path).parent))
    return argparse.Namespace(**values)


def describe(recognizer: Recognizer) -> str:
    """Return the model's size and tokens as one line for the log."""
    count = sum(p.numel() for p in recognizer.model.parameters())
    kind = "bpe" if isinstance(recognizer.tokenizer, BpeTokenizer) else "char"
    vocab = len(recognizer.tokenizer.tokens)
    return f"{count / 1e6:.2f} M parameters, {vocab} {kind} tokens"


def _parse_rate(fs: int | str) -> int:
    text = str(fs).lower()
    return int(float(text[:-1]) * 1000) if text.endswith("k") else int(text)
