"""Find options and configs of a recipe that cannot work together.

Each of them is valid by itself, so an error would only show when its stage is reached,
which may be after days of training.
"""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hamzaban.config import read_config
from hamzaban.decode.beam_options import BeamOptions
from hamzaban.decode.decode_options import UTT2LANG
from hamzaban.decode.search import Search
from hamzaban.decode.search_options import InferenceConfig, read_inference
from hamzaban.fileio import read_json
from hamzaban.hub.names import parse_name
from hamzaban.recipe.words import apply_words

JOINT_MODEL = "hamzaban_joint_ctc"
OURS = "hamzaban_s3prl"
MODEL = ("valid", "wer")  # criterion of the model that is decoded by default
_BEST = re.compile(r"(\w+)\.(\w+)\.(?:ave|best|ave_\d+best)\.pth")


@dataclass(frozen=True)
class RecipeOptions:
    """Options of asr.sh that depend on each other; see `asr.sh --help`.

    Attributes:
        stages: Names of the stages that will run.
        asr_config: YAML of train-asr.
        asr_args: Further arguments of train-asr.
        inference_config: YAMLs of decode-asr.
        lm_config: YAML of train-lm.
        lm: Language model made elsewhere.
        lm_text: Further text for the language model.
        pretrain_config: YAML of train-ssl.
        pretrain_args: Further arguments of train-ssl.
        pretrain_init: Checkpoint that pretraining starts from, or fine-tuning if there
            is no pretraining.
        ssl_checkpoint: Checkpoint that fine-tuning starts from.
        token_type: `bpe` or `char`.
        ngpu: GPUs; 0 for the CPU.
    """

    stages: frozenset[str]
    asr_config: Path | None = None
    asr_args: tuple[str, ...] = ()
    inference_config: tuple[Path, ...] = ()
    lm_config: Path | None = None
    lm: Path | None = None
    lm_text: str = ""
    pretrain_config: Path | None = None
    pretrain_args: tuple[str, ...] = ()
    pretrain_init: str = ""
    ssl_checkpoint: str = ""
    token_type: str = "bpe"
    ngpu: int = 0


def check_recipe(options: RecipeOptions) -> None:
    """Check that the options work together; log those that have no effect.

    Raises:
        FileNotFoundError: A config is missing.
        ValueError: Options contradict each other; the message names them and the
            remedy.
    """
    _tell_unused(options)
    training = _read_training(options.asr_config, options.asr_args)
    if "pretrain" in options.stages and options.pretrain_config:
        _check_checkpoint(options.pretrain_init, "--pretrain_init")
        _check_pretraining(options)
    elif "train" in options.stages and not options.pretrain_config:
        _check_checkpoint(options.pretrain_init, "--pretrain_init")
    if "train" in options.stages and options.asr_config:
        _check_training(training, options)
    if "lm" in options.stages and (options.lm or options.lm_config):
        _read_units(options)
    if "decode" in options.stages:
        for path in options.inference_config:
            _check_decoding(path, training, options)


def _tell_unused(options: RecipeOptions) -> None:
    """Log options that nothing reads; this is no error, since run.sh may set them."""
    trains_lm = options.lm_config and not options.lm
    for name, is_given, is_read, remedy in (
        ("lm_config", options.lm_config, not options.lm, "--lm is used"),
        ("lm_text", options.lm_text, trains_lm, "no language model is trained"),
        (
            "pretrain_args",
            options.pretrain_args,
            options.pretrain_config,
            "no --pretrain_config is given",
        ),
    ):
        if is_given and not is_read:
            logging.warning("--%s is not read: %s", name, remedy)


def _read_training(path: Path | None, words: tuple[str, ...]) -> dict[str, Any]:
    values = read_config(path)[0] if path is not None else {}
    return apply_words(values, words)


def _check_pretraining(options: RecipeOptions) -> None:
    path = options.pretrain_config
    values = apply_words(read_config(path)[0], options.pretrain_args)  # type: ignore[arg-type]
    if values.get("replay_share") and not values.get("replay_dir"):
        raise ValueError(
            f"{path}: replay_share is {values['replay_share']} without replay_dir; "
            "name the data directory of the old speech, or set replay_share: 0.0"
        )
    _check_checkpoint(values.get("init_checkpoint"), f"{path}: init_checkpoint")
    _check_dtype(values, options)


def _check_start(checkpoint: Path) -> None:
    """Check that fine-tuning can start from a Hugging Face directory."""
    if (checkpoint / "config.json").is_file():
        values = read_json(checkpoint / "config.json", "download the model again")
        if values.get("adapter_attn_dim"):
            raise ValueError(
                f"{checkpoint}: adapter_attn_dim is {values['adapter_attn_dim']}, but "
                "training cannot start from a model with adapters, as MMS has; give "
                "its model of pretraining, or a CTC model without adapters"
            )


def _check_checkpoint(path: Any, option: str) -> None:
    """Check what lies here; a model on the hub is checked when it is fetched."""
    if path and parse_name(str(path)) is None:
        from hamzaban.weights.peek import check_wav2vec2

        check_wav2vec2(path, option)


def _check_training(values: Mapping[str, Any], options: RecipeOptions) -> None:
    path = options.asr_config
    conf = values.get("frontend_conf") or {}
    inner = conf.get("frontend_conf") or {}
    _check_checkpoint(values.get("ssl_checkpoint"), f"{path}: ssl_checkpoint")
    start = options.ssl_checkpoint or values.get("ssl_checkpoint")
    start = start or inner.get("path_or_url") or values.get("init_param")
    start = start or values.get("init_checkpoint")
    if isinstance(start, str):
        _check_start(Path(start))
    if conf.get("freeze") and not start:
        raise ValueError(
            f"{path}: frontend_conf.freeze is {conf['freeze']}, but there is no "
            "checkpoint, so that random weights would stay; give --pretrain_init FILE "
            "or --pretrain_config YAML, or set freeze: []"
        )
    updates, frozen = values.get("max_updates"), conf.get("freeze_updates") or 0
    if updates is not None and frozen >= updates:
        raise ValueError(
            f"{path}: frontend_conf.freeze_updates is {frozen} and max_updates "
            f"{updates}, so that wav2vec 2.0 would never be trained; raise max_updates "
            "or lower freeze_updates"
        )
    _check_rates(values, path)
    _check_criterion(values, path)
    _check_dtype(values, options)


def _check_rates(values: Mapping[str, Any], path: Path | None) -> None:
    names = ("layer_lr_decay", "head_lr_scale")
    changed = [name for name in names if values.get(name, 1.0) != 1.0]
    if not changed:
        return
    if values.get("frontend", OURS) != OURS or values.get("exclude_weight_decay"):
        raise ValueError(
            f"{path}: {changed[0]} needs frontend {OURS} and no exclude_weight_decay; "
            f"change these, or set {changed[0]}: 1.0"
        )
    if "lr" not in (values.get("optim_conf") or {}):
        raise ValueError(f"{path}: {changed[0]} needs optim_conf.lr; give it")


def _check_criterion(values: Mapping[str, Any], path: Path | None) -> None:
    if MODEL not in _list_criteria(values):
        raise ValueError(
            f"{path}: best_model_criterion has no line valid, wer, min, so that "
            "training would not make valid.wer.ave.pth, which is decoded; add it"
        )


def _list_criteria(values: Mapping[str, Any]) -> set[tuple[str, str]]:
    found = values.get("best_model_criterion")
    if found is None:
        return {MODEL}  # train-asr's default
    rows = [row.split(",") if isinstance(row, str) else row for row in found]
    return {(str(row[0]), str(row[1])) for row in rows if len(row) == 3}


def _check_dtype(values: Mapping[str, Any], options: RecipeOptions) -> None:
    if values.get("autocast_dtype"):  # torch is imported only then
        from hamzaban.devices import usable_dtype

        usable_dtype(values["autocast_dtype"], options.ngpu)


def _check_decoding(
    path: Path, training: Mapping[str, Any], options: RecipeOptions
) -> None:
    config = read_inference(path)
    _check_tuning(path, config)
    model = _BEST.fullmatch(str(config.decode.get("asr_model", "")))
    if model and model.groups() not in _list_criteria(training):
        raise ValueError(
            f"{path}: asr_model is {model[0]}, which a training with the "
            f"best_model_criterion of {options.asr_config} does not make; change one "
            "of the two"
        )
    language = config.decode.get("language", UTT2LANG)
    if language != UTT2LANG and options.asr_config is not None:
        _check_language(path, language, training, options)
    if config.search.needs_lm:
        _check_lm(path, config.search, options)


def _check_tuning(path: Path, config: InferenceConfig) -> None:
    search = config.search
    unknown = [name for name in config.tune if name not in search.tunable]
    if unknown:
        raise ValueError(
            f"{path}: search {search.name} has no {unknown[0]} to tune; it has "
            f"{', '.join(search.tunable) or 'nothing'}; change tune or search"
        )
    for values in itertools.product(*config.tune.values()):
        try:
            replace(search, **dict(zip(config.tune, values, strict=True)))
        except ValueError as error:
            raise ValueError(f"{path}: tune: {error}") from error


def _check_language(
    path: Path, language: str, training: Mapping[str, Any], options: RecipeOptions
) -> None:
    if training.get("model") != JOINT_MODEL:
        raise ValueError(
            f"{path}: language is {language}, but the model of {options.asr_config} "
            f"has one language; leave language out, or train with {JOINT_MODEL}"
        )
    conf = training.get("model_conf") or {}
    if language == "predicted" and not conf.get("lid_weight", 0.1):
        raise ValueError(
            f"{path}: language is predicted, but {options.asr_config} has "
            "model_conf.lid_weight 0, so that the model predicts none; raise it"
        )


def _check_lm(path: Path, search: Search, options: RecipeOptions) -> None:
    if not isinstance(search, BeamOptions):
        return
    fitting = "word" if search.name == "lexicon" else options.token_type
    unit = search.lm_unit or fitting
    if unit != fitting:
        raise ValueError(
            f"{path}: lm_unit is {unit}, but search: {search.name} with --token_type "
            f"{options.token_type} takes {fitting} or none; correct or remove it"
        )
    if options.lm_config is None and options.lm is None:
        raise ValueError(
            f"{path}: search: {search.name} reads a language model of {fitting}s, but "
            "neither --lm_config nor --lm is given; give one, or another "
            "--inference_config such as conf/decode.yaml"
        )
    units = _read_units(options)
    if unit not in units:
        place = options.lm_config or options.lm
        remedy = f"add `{unit}: {{order: 6}}` to it"
        if options.lm is not None:
            remedy = f"give a model of {unit} units"
        raise ValueError(
            f"{path}: search: {search.name} with --token_type {options.token_type} "
            f"needs a language model of unit {unit}, but {place} has "
            f"{', '.join(units) or 'none'}; {remedy}, or choose another "
            "--inference_config"
        )


def _read_units(options: RecipeOptions) -> list[str]:
    """Return the units of the language models that stage 6 makes."""
    if options.lm is not None:
        from hamzaban.lm.foreign import guess_unit

        return [guess_unit(options.lm)]
    from hamzaban.lm.ngram_options import read_options

    return list(read_options(options.lm_config or "").models)
