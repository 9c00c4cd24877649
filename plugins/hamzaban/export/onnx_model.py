"""Write a recognizer as ONNX, in the layout of onnx-asr's model type wav2vec2-ctc.

model.onnx takes `input_values` (B, S) and `input_lengths` (B,) and gives `logprobs`
(B, T, V). `input_lengths` has a default, the whole of S, so that sherpa-onnx, which
gives one input only, loads the file as an Omnilingual ASR model.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from hamzaban import __version__
from hamzaban.export.clips import FS, Run
from hamzaban.export.folding import CtcModel
from hamzaban.fileio import atomic_path, atomic_text
from hamzaban.text.tokens import BLANK, UNK, WORD_BOUNDARY
from hamzaban.wav2vec2.convert.export import make_config, make_weights, write_json

MODEL, INT8, VOCAB = "model.onnx", "model.int8.onnx", "vocab.txt"
OPSET = 17
MAX_BYTES = 2_000_000_000  # protobuf holds 2 GiB
_WHOLE = 2**31 - 1  # default of input_lengths


def write_model(model: CtcModel, folder: Path) -> None:
    """Write model.onnx, vocab.txt and config.json.

    Raises:
        ValueError: The model is too large for one file.
    """
    config = make_config(model.checkpoint.model_cfg, str(model.place))
    conv = list(zip(config["conv_kernel"], config["conv_stride"], strict=True))
    stride = math.prod(config["conv_stride"])
    with atomic_path(folder / MODEL) as temporary:
        _trace(model, config, conv, temporary)
        _finish(temporary, _make_metadata(model, stride))
    with atomic_text(folder / VOCAB) as stream:
        for i, piece in enumerate(list_symbols(model)):
            stream.write(f"{piece} {i}\n")
    settings = {"model_type": "wav2vec2-ctc", "subsampling_factor": stride}
    write_json(settings, folder / "config.json")


def list_symbols(model: CtcModel) -> list[str]:
    """Return the tokens as vocab.txt has them: `<blk>`, U+2581 for a space."""
    names = {BLANK: "<blk>"}
    if model.is_bpe:
        names[UNK] = "\u2581\u2047\u2581"  # what SentencePiece writes for it
    return [names.get(token, token) for token in model.pieces()]


def quantize(folder: Path) -> None:
    """Write model.int8.onnx: the weights of linear layers in 8 bits."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with atomic_path(folder / INT8) as temporary:
        level = logging.getLogger().level
        logging.getLogger().setLevel(logging.ERROR)  # it advises what is not needed
        try:
            quantize_dynamic(
                folder / MODEL,
                temporary,
                op_types_to_quantize=["MatMul", "Gemm"],
                per_channel=True,
                weight_type=QuantType.QInt8,
            )
        finally:
            logging.getLogger().setLevel(level)


def open_session(path: Path, symbols: Sequence[str]) -> Run:
    """Return what ONNX Runtime makes of a waveform, with one thread per torch's."""
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )

    def run(speech: np.ndarray) -> tuple[str, np.ndarray]:
        inputs = {
            "input_values": speech[None],
            "input_lengths": np.array([len(speech)], np.int64),
        }
        (log_probs,) = session.run(["logprobs"], inputs)
        return spell(symbols, log_probs[0]), log_probs[0]

    return run


def spell(symbols: Sequence[str], log_probs: np.ndarray) -> str:
    """Return the text of the best path; `log_probs` has shape (T, V)."""
    path = [token for token, _ in groupby(log_probs.argmax(-1).tolist()) if token]
    text = "".join(symbols[token] for token in path)
    return " ".join(text.replace(WORD_BOUNDARY, " ").split())


def _build_graph(
    model: CtcModel, config: dict[str, Any], conv: list[tuple[int, int]]
) -> Any:
    """Return the module to trace."""
    from hamzaban.export.onnx_graph import OnnxCtc
    from hamzaban.wav2vec2.inference import (
        DEFAULTS,
        Wav2Vec2Ctc,
        build_model,
        merge_weight_norm,
    )

    head = {"lm_head.weight": model.weight, "lm_head.bias": model.bias}
    weights = merge_weight_norm({**make_weights(model.checkpoint), **head})
    size = sum(4 * value.numel() for value in weights.values())
    if size > MAX_BYTES:
        raise ValueError(
            f"{model.place}: {size / 1e9:.1f} GB of weights, more than one ONNX file "
            "holds; use --to hf"
        )
    full = {**DEFAULTS, **config, "vocab_size": len(model.tokens)}
    inner = build_model(lambda: Wav2Vec2Ctc(full), weights, model.place, model.place)
    return OnnxCtc(inner, conv, normalizes=model.normalizes).eval()


def _trace(
    model: CtcModel, config: dict[str, Any], conv: list[tuple[int, int]], path: Path
) -> None:
    import torch

    graph = _build_graph(model, config, conv)
    speech = torch.randn(2, FS, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing, and that another exporter exists
        torch.onnx.export(
            graph,
            (speech, torch.tensor([FS, FS // 2])),
            str(path),
            input_names=["input_values", "input_lengths"],
            output_names=["logprobs"],
            dynamic_axes={
                "input_values": {0: "batch", 1: "samples"},
                "input_lengths": {0: "batch"},
                "logprobs": {0: "batch", 1: "frames"},
            },
            opset_version=OPSET,
            dynamo=False,
        )


def _finish(path: Path, metadata: dict[str, str]) -> None:
    """Add the default of input_lengths and the metadata."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(path))
    default = numpy_helper.from_array(np.array([_WHOLE], np.int64), "input_lengths")
    model.graph.initializer.append(default)
    for name, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = name, value
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _make_metadata(model: CtcModel, stride: int) -> dict[str, str]:
    return {
        "model_type": "wav2vec2-ctc",
        "sample_rate": str(FS),
        "subsampling_factor": str(stride),
        "vocab_size": str(len(model.tokens)),
        "normalize_samples": str(int(model.normalizes)),
        "language": model.language,
        "comment": f"made by Hamzaban {__version__}",
    }
