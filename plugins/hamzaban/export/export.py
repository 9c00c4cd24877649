"""Export a recognizer to the layouts of other tools, and check what was written."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from hamzaban.config import load_mapping
from hamzaban.decode.experiment import find_named, find_packed_search
from hamzaban.export.card import CardOptions, make_card
from hamzaban.export.clips import Agreement, Clip, compare, list_clips, run_clips
from hamzaban.export.folding import CtcModel, find_model, read_model, select_tokens
from hamzaban.fileio import atomic_path, atomic_text, copy_file
from hamzaban.transcribe.acoustics import Acoustics, ModelRequest
from hamzaban.wav2vec2.finetuned_names import CONFIG, FRONTEND
from hamzaban.weights.door import read_weights


@dataclasses.dataclass(frozen=True)
class ExportRequest:
    """What to export.

    Attributes:
        model: The trained model; `language` chooses a head.
        output: Folder to write to.
        check: Recordings to check; none: those of the experiment.
        is_checked: Whether anything is checked.
        lm_dir: Folder of language models that train-lm wrote; None: those of an
            archive.
        weights: weights.yaml of tune-decoder.
        int8: Whether the ONNX model is also written in 8 bits.
        card: What the user says about the model.
    """

    model: ModelRequest
    output: Path
    check: Sequence[Path] = ()
    is_checked: bool = True
    lm_dir: Path | None = None
    weights: Path | None = None
    int8: bool = False
    card: CardOptions = dataclasses.field(default_factory=CardOptions)


def export_huggingface(request: ExportRequest) -> list[Agreement]:
    """Write a directory of `Wav2Vec2ForCTC`.

    Returns:
        How transformers agrees with the trained model; empty if nothing is checked.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: The model cannot be expressed, or gives another text.
    """
    from hamzaban.export import huggingface

    model, clips = read_request(request)
    lm_dir, weights = find_language_model(request)
    huggingface.write_model(model, request.output)
    if lm_dir is not None:
        huggingface.write_language_model(model, lm_dir, request.output, weights)
    found = []
    if clips:
        run = huggingface.open_pipeline(request.output)
        found.append(compare("transformers", clips, run))
    usage = _USE_HF.format(folder=request.output.name)
    write_card(request, model, usage + (_USE_LM if lm_dir else ""), found)
    check_same(found, request.output)
    return found


def export_onnx(request: ExportRequest) -> list[Agreement]:
    """Write model.onnx, vocab.txt and config.json, and with `int8` model.int8.onnx.

    Returns:
        How ONNX Runtime agrees with the trained model; empty if nothing is checked.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: The model cannot be expressed, or gives another text.
    """
    from hamzaban.export import onnx_model

    model, clips = read_request(request)
    names = [onnx_model.MODEL, *[onnx_model.INT8] * request.int8]
    onnx_model.write_model(model, request.output)
    if request.int8:
        onnx_model.quantize(request.output)
    found = []
    for name in names:
        path = request.output / name
        what = f"{name} ({path.stat().st_size / 1e6:.1f} MB)"
        if clips:
            run = onnx_model.open_session(path, onnx_model.list_symbols(model))
            found.append(compare(what, clips, run))
    usage = _USE_ONNX.format(folder=request.output.name)
    write_card(request, model, usage + (_USE_SHERPA if model.normalizes else ""), found)
    check_same(found, request.output)
    return found


def export_espnet(request: ExportRequest) -> list[Agreement]:
    """Write a folder that `espnet2.bin.asr_inference` reads.

    The paths in its config.yaml are absolute: export again after moving it.

    Returns:
        How ESPnet's own classes agree with the trained model; empty if nothing is
        checked.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: ESPnet cannot express the model, or gives another text.
    """
    from hamzaban.export import espnet

    config, weights = find_model(request.model.model, request.model.asr_model)
    language, folder = request.model.language, request.output.resolve()
    values, state = espnet.choose_language(
        load_mapping(config), read_weights(weights), language, config
    )
    if reason := espnet.explain_misfit(values):
        raise ValueError(
            f"{config}: {reason} found, which ESPnet alone does not know; pack it with "
            "pack-model for places with this package"
        )
    clips, model = read_clips(request, values, config)
    plain = espnet.make_config(values, str(folder / espnet.STRUCTURE))
    added = {}
    if values.get("frontend") == FRONTEND:
        with atomic_path(folder / espnet.STRUCTURE) as temporary:
            added = espnet.write_structure(values, temporary)
    with atomic_path(folder / weights.name) as temporary:
        espnet.write_weights(state, added, temporary)
    if values.get("bpemodel"):
        source = find_named(values["bpemodel"], config.parent)
        plain["bpemodel"] = str(folder / source.name)
        copy_file(source, folder / source.name)
    with atomic_text(folder / CONFIG) as stream:
        yaml.safe_dump(plain, stream, allow_unicode=True, sort_keys=False)
    if model is None:
        return []
    run = espnet.open_model(folder / CONFIG, folder / weights.name, model.tokenizer)
    found = [compare("ESPnet alone", clips, run)]
    check_same(found, request.output)
    return found


def read_request(request: ExportRequest) -> tuple[CtcModel, list[Clip]]:
    """Return the folded model and the clips of the check.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: The model cannot be folded.
    """
    config, weights = find_model(request.model.model, request.model.asr_model)
    model = read_model(config, weights, request.model.language)
    return model, read_clips(request, model.values, config)[0]


def read_clips(
    request: ExportRequest, values: Mapping[str, Any], config: Path
) -> tuple[list[Clip], Acoustics | None]:
    """Return the clips of the check, and the trained model; neither without a check.

    Args:
        request: The request.
        values: The options of train-asr.
        config: The file that they are from.
    """
    if not request.is_checked:
        return [], None
    chosen = list_clips(values, config.parent, request.check)
    columns = select_tokens(load_mapping(config), request.model.language, config)
    return run_clips(request.model, chosen, columns)


def find_language_model(
    request: ExportRequest,
) -> tuple[Path | None, Mapping[str, float]]:
    """Return the folder of language models and the weights of the search."""
    packed = find_packed_search(request.model.model)
    weights = request.weights or packed.inference_config
    values = load_mapping(weights) if weights else {}
    return request.lm_dir or packed.lm_dir, values


def write_card(
    request: ExportRequest, model: CtcModel, usage: str, found: Sequence[Agreement]
) -> None:
    """Write README.md."""
    lines = [each.describe() for each in found] or ["none were made (--no_check)"]
    with atomic_text(request.output / "README.md") as stream:
        stream.write(make_card(model, usage, request.card, lines))


def check_same(found: Sequence[Agreement], output: Path) -> None:
    """Log how the exports agree, and check that float ones give the same text.

    Raises:
        ValueError: One gives another text.
    """
    for each in found:
        logging.info(each.describe())
    wrong = [each for each in found if each.other and "int8" not in each.what]
    if wrong:
        raise ValueError(
            f"{output}: {wrong[0].describe()}; expected the same text; do not use this "
            "export, and report the model"
        )


_USE_HF = """
```python
from transformers import pipeline

recognizer = pipeline("automatic-speech-recognition", model="{folder}")
print(recognizer("talk.wav")["text"])
```

or `hamzaban transcribe {folder} talk.mp3`, which also gives subtitles and word times.
"""
_USE_ONNX = """
```python
import onnx_asr

model = onnx_asr.load_model("wav2vec2-ctc", "{folder}")  # quantization="int8"
print(model.recognize("talk.wav"))
```

needs an onnx-asr with the model type `wav2vec2-ctc`, which 0.12.0 does not have yet.
"""
_USE_SHERPA = """
sherpa-onnx reads the same files as an Omnilingual ASR model:
`OfflineRecognizer.from_omnilingual_asr_ctc(model="model.onnx", tokens="vocab.txt")`.
"""
_USE_LM = """
`language_model/` holds an n-gram of words with its tuned weights. It is used by
`Wav2Vec2ProcessorWithLM.from_pretrained` (transformers 4 and 5, with pyctcdecode and
kenlm installed), not by the pipeline above.
"""
