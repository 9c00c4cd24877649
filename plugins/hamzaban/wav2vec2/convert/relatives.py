"""Advise what to do with models that are related to wav2vec 2.0."""

from collections.abc import Mapping
from typing import Any

_UPSTREAMS = {"hubert": "hubert_custom", "data2vec": "data2vec_custom"}  # of S3PRL
_INSTEAD = "give a wav2vec 2.0 checkpoint, such as XLSR-53 or XLS-R, instead"


def advise_fairseq(name: str, model: Mapping[str, Any]) -> str:
    """Return what to do with a fairseq checkpoint of another model.

    Args:
        name: Name of the model, such as wav2vec_ctc, hubert or data2vec_audio.
        model: Its options.
    """
    if name.startswith("wav2vec") or ("w2v_path" in model and not _find_kind(name)):
        source = model.get("w2v_path")
        where = f", which its options call {source}" if source else ""
        return (
            "it was fine-tuned already, and its output layer and letters are not "
            f"read; give the checkpoint of pretraining that it was tuned from{where}"
        )
    return advise_relative(name)


def advise_relative(name: str, file: str = "FILE") -> str:
    """Return what to do with a model of another architecture.

    Args:
        name: Its name, such as hubert_base, data2vec-audio or wavlm.
        file: A file in S3PRL's form, or what stands for one.
    """
    kind = _find_kind(name)
    if not kind:
        return _INSTEAD
    upstream = _UPSTREAMS[kind]
    form = (
        "" if file != "FILE" else f", where FILE is in the form of S3PRL's {upstream}"
    )
    return (
        f"{kind} models are not pretrained further here; train-asr reads one by itself "
        "(--frontend s3prl --frontend_conf 'frontend_conf={upstream: "
        f"{upstream}, path_or_url: {file}}}'{form}), or {_INSTEAD}"
    )


def check_relative(state: Mapping[str, Any], path: str) -> None:
    """Check that a file in S3PRL's form is not of a model that looks like ours.

    Args:
        state: What the file holds.
        path: The file.

    Raises:
        ValueError: It is a HuBERT or data2vec.
    """
    weights = state.get("model_weight")
    names = [str(name) for name in weights] if isinstance(weights, Mapping) else []
    is_data2vec = "_ema" in names or any(n.startswith("regression") for n in names)
    kind = "data2vec" if is_data2vec else ""
    if "dictionaries_symbols" in state or "label_embs_concat" in names:
        kind = "hubert"
    if kind:
        raise ValueError(
            f"{path}: found a {kind} model in S3PRL's form, expected wav2vec 2.0; "
            f"{advise_relative(kind, path)}"
        )


def _find_kind(name: str) -> str:
    return next((kind for kind in _UPSTREAMS if name.lower().startswith(kind)), "")
