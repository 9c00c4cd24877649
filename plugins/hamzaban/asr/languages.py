"""Fill the languages of a joint model from the utt2lang of its training data."""

import argparse
import itertools
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hamzaban.asr.stats import CHUNK
from hamzaban.data.files import read_scp
from hamzaban.text.cleaner import find_cleaner
from hamzaban.text.tokens import Tokenizer, build_tokenizer

UTT2LANG = "utt2lang"
NAME = "lang"  # name of the third kind of data that training reads
DataEntry = Sequence[str]  # path, name, type


class LanguagePreprocessor:
    """ESPnet's preprocessing, which also replaces a language by its id."""

    def __init__(
        self, inner: Callable[..., Any] | None, languages: Sequence[str]
    ) -> None:
        """Wrap ESPnet's preprocessor.

        Args:
            inner: ESPnet's preprocessor of the other data; None leaves these unchanged.
            languages: The languages, in the order of their ids.
        """
        self.inner = inner
        self.ids = {lang: i for i, lang in enumerate(languages)}

    def __call__(self, utt_id: str, data: dict[str, Any]) -> dict[str, Any]:
        """Preprocess one utterance."""
        lang = data.pop(NAME).strip()
        if self.inner is not None:
            data = self.inner(utt_id, data)
        if lang not in self.ids:
            raise ValueError(
                f"{UTT2LANG}: {utt_id} is of language '{lang}', expected one of "
                f"{', '.join(self.ids)}; correct the file"
            )
        data[NAME] = np.array([self.ids[lang]], dtype=np.int64)
        return data


def find_utt2lang(entries: Sequence[DataEntry]) -> Path | None:
    """Return the path of a set's utt2lang, by default beside its text, or None.

    Args:
        entries: `*_data_path_and_name_and_type` of ESPnet2's options.
    """
    for path, name, _ in entries:
        if name == NAME:
            return Path(path)
    for path, name, _ in entries:
        if name == "text":
            return Path(path).parent / UTT2LANG
    return None


def read_languages(path: str | Path) -> dict[str, str]:
    """Read the language of each utterance.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line does not have exactly one language.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"{path}: no such file; expected lines `utt_id language`, as "
            "`import-data` and `prepare-corpus` write them"
        )
    found = {utt_id: rest.strip() for utt_id, rest in read_scp(path)}
    for utt_id, lang in found.items():
        if not lang or lang.split() != [lang]:
            raise ValueError(
                f"{path}: {utt_id}: language '{lang}' found, expected one word; correct"
                " the line"
            )
    return found


def fill_languages(args: argparse.Namespace) -> None:
    """Fill the languages, and the tokens of their heads, from the training data.

    Adds utt2lang to the data of training and validation, and `languages` and
    `head_tokens` to `model_conf`, which config.yaml then shows. Without training data
    nothing changes.

    Args:
        args: Options of the task; changed.

    Raises:
        FileNotFoundError: There is no utt2lang.
        ValueError: The languages of the data are not those of the config.
    """
    path = find_utt2lang(args.train_data_path_and_name_and_type)
    if path is None:
        return
    utt2lang = read_languages(path)
    conf = dict(args.model_conf)
    conf["languages"] = _choose_languages(conf.get("languages"), utt2lang, path)
    _add_data(args, conf["languages"])
    if conf.get("heads", "language") == "language" and not conf.get("head_tokens"):
        text = next(
            p for p, n, _ in args.train_data_path_and_name_and_type if n == "text"
        )
        tokenizer = build_tokenizer(args.token_type, args.token_list, args.bpemodel)
        conf["head_tokens"] = list_head_tokens(
            text, utt2lang, tokenizer, find_cleaner(args.cleaner)
        )
    args.model_conf = conf


def list_head_tokens(
    text: str | Path,
    utt2lang: Mapping[str, str],
    tokenizer: Tokenizer,
    clean: Callable[[str], str] = str,
) -> dict[str, list[str]]:
    """Return the tokens that each language needs.

    These are the tokens of its transcripts and those of their single characters, so
    that any word can be spelled.

    Args:
        text: Kaldi's file of the transcripts.
        utt2lang: Language of each utterance.
        tokenizer: The tokenizer of the joint token list.
        clean: Function applied to each transcript first, as in training.

    Returns:
        Tokens of each language, in the order of the list.

    Raises:
        ValueError: An utterance has no language.
    """
    used: dict[str, set[int]] = {lang: {0, 1} for lang in sorted({*utt2lang.values()})}
    chars: dict[str, set[str]] = {lang: set() for lang in used}
    rows = _read_rows(text, utt2lang)
    while chunk := list(itertools.islice(rows, CHUNK)):
        texts = [clean(line) for _, line in chunk]
        ids = tokenizer.texts2ids(texts)
        for (lang, _), line, found in zip(chunk, texts, ids, strict=True):
            used[lang].update(found)
            chars[lang].update(line)
    tokens = tokenizer.tokens
    for lang, found_ids in used.items():
        found_ids.update(i for i, token in enumerate(tokens) if token in chars[lang])
        logging.info(f"{lang}: a head of {len(found_ids)} of {len(tokens)} tokens")
    return {lang: [tokens[i] for i in sorted(used[lang])] for lang in used}


def _read_rows(
    text: str | Path, utt2lang: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield the language and transcript of each utterance."""
    for utt_id, line in read_scp(text):
        if utt_id not in utt2lang:
            raise ValueError(
                f"{text}: {utt_id} is not in {UTT2LANG} beside it; add its language"
            )
        yield utt2lang[utt_id], line


def _choose_languages(
    named: Sequence[str] | None, utt2lang: Mapping[str, str], path: Path
) -> list[str]:
    counts = Counter(utt2lang.values())
    found = sorted(counts)
    shown = ", ".join(f"{lang} {counts[lang]}" for lang in found)
    if named and sorted(map(str, named)) != found:
        raise ValueError(
            f"{path}: utterances of {shown} found, expected those of "
            f"model_conf.languages, {', '.join(map(str, named))}; correct one of them"
        )
    logging.info(f"{path}: utterances by language: {shown}")
    return [*map(str, named)] if named else found


def _add_data(args: argparse.Namespace, languages: Sequence[str]) -> None:
    for part in ("train", "valid"):
        option = f"{part}_data_path_and_name_and_type"
        entries = list(getattr(args, option))
        path = find_utt2lang(entries)
        if path is None or any(name == NAME for _, name, _ in entries):
            continue
        unknown = sorted({*read_languages(path).values()} - {*languages})
        if unknown:
            raise ValueError(
                f"{path}: languages {', '.join(unknown)} are not in the training data, "
                f"which have {', '.join(languages)}; leave these utterances out"
            )
        setattr(args, option, [*entries, (str(path), NAME, "text")])
