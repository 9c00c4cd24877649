"""Write a recognizer as a directory of transformers' `Wav2Vec2ForCTC`.

The tokenizer of characters is a `Wav2Vec2CTCTokenizer`. It cannot write subwords, whose
sign of a new word is inside the token; they get a `tokenizer.json` with the CTC decoder
of the `tokenizers` library, which every version of transformers reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hamzaban.export.clips import FS, Run
from hamzaban.export.folding import CtcModel
from hamzaban.fileio import atomic_path, atomic_text, copy_file, read_utf8
from hamzaban.text.tokens import BLANK, SOS_EOS, SPACE, UNK, WORD_BOUNDARY, load_pieces
from hamzaban.transcribe.huggingface import BPEMODEL
from hamzaban.wav2vec2.convert.directory import CONFIG, PREPROCESSOR
from hamzaban.wav2vec2.convert.export import (
    make_config,
    make_preprocessor,
    make_weights,
    write_json,
    write_weights,
)

NAMES = {BLANK: "<pad>", UNK: "<unk>", SOS_EOS: "</s>"}  # transformers' for ours
DELIMITERS = ("|", WORD_BOUNDARY, "\u2420")  # for a space, the first that is no token
_UNKNOWN = " \u2047 "  # what SentencePiece writes for the unknown token


def write_model(model: CtcModel, folder: Path) -> None:
    """Write model, feature extractor and tokenizer; config.json comes last.

    Raises:
        ValueError: transformers has no such model.
    """
    config = make_config(model.checkpoint.model_cfg, str(model.place))
    conf: Mapping[str, Any] = model.values.get("frontend_conf") or {}
    config |= {
        "architectures": ["Wav2Vec2ForCTC"],
        "vocab_size": len(model.tokens),
        "pad_token_id": 0,
        "bos_token_id": None,
        "eos_token_id": None,
        "ctc_loss_reduction": "mean",
        "ctc_zero_infinity": True,
        "final_dropout": (model.values.get("ctc_conf") or {}).get("dropout_rate", 0.0),
        "mask_time_prob": conf.get("mask_prob", 0.0),
        "mask_time_length": conf.get("mask_length", 10),
        "layerdrop": 0.0,  # with another value, training in transformers drops layers
    }
    head = {"lm_head.weight": model.weight, "lm_head.bias": model.bias}
    write_weights(folder, {**make_weights(model.checkpoint), **head})
    processor = {"processor_class": "Wav2Vec2Processor"}
    extractor = {**make_preprocessor(model.checkpoint), **processor}
    write_json(extractor, folder / PREPROCESSOR)
    write_tokenizer(model, folder)
    write_json(config, folder / CONFIG)


def write_tokenizer(model: CtcModel, folder: Path) -> None:
    """Write the files of the tokenizer.

    Raises:
        FileNotFoundError: The SentencePiece model is missing.
    """
    names = name_tokens(model)
    settings: dict[str, Any] = {
        "pad_token": NAMES[BLANK],
        "unk_token": NAMES[UNK],
        "bos_token": None,
        "eos_token": NAMES[SOS_EOS] if SOS_EOS in model.tokens else None,
        # Wav2Vec2ProcessorWithLM asks for one, and subwords have none of their own.
        "word_delimiter_token": NAMES[UNK] if model.is_bpe else find_delimiter(model),
        "clean_up_tokenization_spaces": False,
        "do_lower_case": False,
        "processor_class": "Wav2Vec2Processor",
    }
    if model.bpemodel is not None:
        settings["tokenizer_class"] = "PreTrainedTokenizerFast"
        tokenizer = build_pieces(model, names)
        with atomic_path(folder / "tokenizer.json") as temporary:
            tokenizer.save(str(temporary))
        copy_file(model.bpemodel, folder / BPEMODEL)  # hamzaban transcribe reads it
    else:
        settings["tokenizer_class"] = "Wav2Vec2CTCTokenizer"
        settings["replace_word_delimiter_char"] = " "
    write_json({name: i for i, name in enumerate(names)}, folder / "vocab.json")
    write_json(settings, folder / "tokenizer_config.json")


def name_tokens(model: CtcModel) -> list[str]:
    """Return the tokens as transformers calls them."""
    names = {**NAMES, SPACE: find_delimiter(model)}
    return [names.get(token, token) for token in model.tokens]


def find_delimiter(model: CtcModel) -> str:
    """Return the sign between words: of subwords SentencePiece's, else "|" if free."""
    if model.is_bpe:
        return WORD_BOUNDARY
    return next(sign for sign in DELIMITERS if sign not in model.tokens)


def build_pieces(model: CtcModel, names: list[str]) -> Any:
    """Return a tokenizer of the `tokenizers` library for SentencePiece's pieces."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, pre_tokenizers

    assert model.bpemodel is not None
    pieces = load_pieces(model.bpemodel)
    lowest = min(pieces.get_score(i) for i in range(pieces.get_piece_size()))
    rows = [
        (name, pieces.get_score(pieces.piece_to_id(name)) if i > 1 else 0.0)
        for i, name in enumerate(names)
    ]
    known = {pieces.id_to_piece(i) for i in range(3, pieces.get_piece_size())}
    rows = [(name, score if name in known else lowest) for name, score in rows]
    tokenizer = Tokenizer(_make_algorithm(model.bpemodel, rows))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    special = [name for name in names if name in NAMES.values()]
    tokenizer.add_special_tokens([AddedToken(n, normalized=False) for n in special])
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.CTC(
                pad_token=NAMES[BLANK], word_delimiter_token="\u2420", cleanup=False
            ),
            decoders.Replace(NAMES[UNK], _UNKNOWN),
            decoders.Fuse(),
            decoders.Replace(WORD_BOUNDARY, " "),
            decoders.Replace(Regex(" +"), " "),
            decoders.Replace(Regex("^ | $"), ""),  # Strip panics if there is no text
        ]
    )
    return tokenizer


def _make_algorithm(bpemodel: Path, rows: list[tuple[str, float]]) -> Any:
    """Return the algorithm by which SentencePiece splits words: unigram or BPE."""
    from sentencepiece import sentencepiece_model_pb2
    from tokenizers import models

    messages: Any = sentencepiece_model_pb2  # its classes are made at import
    proto = messages.ModelProto()
    proto.ParseFromString(bpemodel.read_bytes())
    if proto.trainer_spec.model_type == proto.trainer_spec.UNIGRAM:
        return models.Unigram(rows, unk_id=1)
    vocab = {name: i for i, (name, _) in enumerate(rows)}
    order = sorted(rows, key=lambda row: -row[1])  # the pieces as they were merged
    merges = [
        (piece[:cut], piece[cut:])
        for piece, _ in order
        for cut in range(1, len(piece))
        if piece[:cut] in vocab and piece[cut:] in vocab
    ]
    return models.BPE(vocab, merges, unk_token=NAMES[UNK], fuse_unk=True)


def write_language_model(
    model: CtcModel, lm_dir: Path, folder: Path, weights: Mapping[str, float]
) -> None:
    """Write a word n-gram as pyctcdecode reads it: language_model/ and alphabet.json.

    transformers' `Wav2Vec2ProcessorWithLM` loads it. It is deprecated there and needs
    pyctcdecode, so that the directory names the processor without a model.

    Args:
        model: The acoustic model.
        lm_dir: Folder that train-lm wrote.
        folder: The directory.
        weights: lm_weight and word_score, natural logarithms, as tune-decoder finds
            them.

    Raises:
        FileNotFoundError: There is no n-gram of words in `lm_dir`.
    """
    source = lm_dir / "word"
    for name in ("lm.bin", "units.txt"):
        if not (source / name).is_file():
            raise FileNotFoundError(
                f"{source / name}: missing, but pyctcdecode needs an n-gram of words; "
                "make it with `hamzaban train-lm` and units: [word]"
            )
    target = folder / "language_model"
    target.mkdir(parents=True, exist_ok=True)
    copy_file(source / "lm.bin", target / "lm.bin")
    rows = read_utf8(source / "units.txt").splitlines()  # a word and its count
    words = [row.split(" ")[0] for row in rows]
    with atomic_text(target / "unigrams.txt") as stream:
        stream.write("\n".join(words) + "\n")
    attributes = {
        "alpha": weights.get("lm_weight", 0.5),
        "beta": weights.get("word_score", 0.0),
        "unk_score_offset": -10.0,
        "score_boundary": True,
    }
    write_json(attributes, target / "attrs.json")
    names = {NAMES[BLANK]: "", NAMES[UNK]: "\u2047"}
    if not model.is_bpe:
        names[find_delimiter(model)] = " "
    labels = [names.get(name, name) for name in name_tokens(model)]
    write_json({"labels": labels, "is_bpe": model.is_bpe}, folder / "alphabet.json")


def open_pipeline(folder: Path) -> Run:
    """Return what transformers' own pipeline makes of a waveform."""
    import torch
    import transformers

    level = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    task: Any = "automatic-speech-recognition"
    pipe: Any = transformers.pipeline(task, model=str(folder))
    transformers.logging.set_verbosity(level)

    def run(speech: np.ndarray) -> tuple[str, np.ndarray]:
        inputs = pipe.feature_extractor(speech, sampling_rate=FS, return_tensors="pt")
        with torch.inference_mode():
            logits = pipe.model(inputs.input_values).logits[0]  # (T, V)
        return pipe(speech.copy())["text"], logits.log_softmax(-1).numpy()

    return run
