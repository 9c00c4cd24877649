"""The names that asr.sh gives to the folders and files of an experiment.

Two runs get different folders if they differ in an option on which the folder depends.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields

MAX_BYTES = 170  # longest tag; with prefix and suffix it stays below 255 bytes
KEPT_BYTES = 160  # kept of a longer tag; a checksum replaces the rest
NO_LANG = "noinfo"

_SPACE = "[ \t\n\v\f\r]"
_IS_COMMON_NAME = re.compile(r"wav2vec2(_last_good)?")  # does not describe the run


@dataclass(frozen=True)
class NameOptions:
    """Options of asr.sh that names are made of; see `asr.sh --help`."""

    lang: str = NO_LANG
    cleaner: str = "auto"
    train_set: str = ""
    valid_set: str = ""
    dumpdir: str = "dump"
    expdir: str = "exp"
    speed_perturb_factors: str = ""
    token_type: str = "bpe"
    nbpe: str = "512"
    bpemode: str = "unigram"
    lm_config: str = ""
    pretrain_config: str = ""
    pretrain_args: str = ""
    pretrain_init: str = ""
    asr_config: str = ""
    asr_args: str = ""
    asr_tag: str = ""

    def __post_init__(self) -> None:
        """Check that every value can be a part of a name.

        Raises:
            ValueError: A value has a line break.
        """
        for field in fields(self):
            text = getattr(self, field.name)
            if "\n" in text and not field.name.endswith("_args"):
                raise ValueError(f"--{field.name} {text!r}: expected one line")


def make_names(options: NameOptions) -> dict[str, str]:
    """Return the names of an experiment; those that it does not need are empty.

    Returns:
        `cleaner`, never `auto`; the folders `train_dir`, `valid_dir`, `token_dir`,
        `ssl_exp`, `lm_exp`, `asr_stats`, `asr_exp` and `pseudo_exp`; the file
        `ssl_checkpoint`; `pretrain_tag` and `asr_tag`, also for the names of configs.
    """
    exp = options.expdir
    lang = "" if options.lang == NO_LANG else f"{options.lang}_"
    suffix = "_sp" if options.speed_perturb_factors else ""
    tokens = options.token_type
    if tokens != "char":
        tokens += options.nbpe
    names = {
        "cleaner": _resolve_cleaner(options),
        "train_dir": f"{options.dumpdir}/raw/{options.train_set}{suffix}",
        "valid_dir": f"{options.dumpdir}/raw/{options.valid_set}",
        "token_dir": _name_tokens(options, lang),
        "asr_stats": f"{exp}/asr_stats_raw_{lang}{tokens}{suffix}",
        "lm_exp": "",
    }
    if options.lm_config:
        names["lm_exp"] = f"{exp}/lm_{stem(options.lm_config)}_{lang}{tokens}{suffix}"
    names |= _name_pretraining(options, suffix)
    init = _name_init(options.pretrain_init)
    if names["pretrain_tag"]:
        init = f"_ssl_{names['pretrain_tag']}"
    args = plain_args(options.asr_args)
    tag = options.asr_tag or shorten(
        f"{stem(options.asr_config)}_raw_{lang}{tokens}{args}{suffix}{init}"
    )
    return names | {
        "asr_tag": tag,
        "asr_exp": f"{exp}/asr_{tag}",
        "pseudo_exp": f"{exp}/pseudo_{tag}",
    }


def _resolve_cleaner(options: NameOptions) -> str:
    cleaner = options.cleaner
    if cleaner == "auto":
        cleaner = f"hamzaban/{options.lang}/train"
    return "none" if cleaner.startswith(f"hamzaban/{NO_LANG}/") else cleaner


def _name_tokens(options: NameOptions, lang: str) -> str:
    """Return the folder of the token list: one for each training set."""
    part = ""
    if options.train_set not in ("train", f"train_{options.lang}"):
        part = options.train_set.removeprefix("train_").removeprefix(lang) + "_"
    kind = options.token_type
    if kind != "char":
        kind += f"_{options.bpemode}{options.nbpe}"
    return f"data/{lang}{part}token_list/{kind}"


def _name_pretraining(options: NameOptions, suffix: str) -> dict[str, str]:
    checkpoint = options.pretrain_init
    if not options.pretrain_config:
        return {"pretrain_tag": "", "ssl_exp": "", "ssl_checkpoint": checkpoint}
    lang = "" if options.lang == NO_LANG else options.lang
    tag = shorten(
        f"{stem(options.pretrain_config)}_raw_{lang}{plain_args(options.pretrain_args)}"
        f"{suffix}{_name_init(checkpoint)}"
    )
    folder = f"{options.expdir}/ssl_{tag}"
    checkpoint = f"{folder}/wav2vec2.pt"
    return {"pretrain_tag": tag, "ssl_exp": folder, "ssl_checkpoint": checkpoint}


def _name_init(checkpoint: str) -> str:
    """Return the part of a tag that says where the weights come from.

    A file `wav2vec2.pt` is named after its folder.
    """
    if not checkpoint:
        return ""
    name = stem(checkpoint)
    if _IS_COMMON_NAME.fullmatch(name):
        folder, slash, _ = checkpoint.rpartition("/")
        name = stem(folder.rstrip("/")) if slash else ""
    return f"_init_{name}"


def plain_args(text: str) -> str:
    """Return options as a part of a name, as ESPnet writes them.

    Examples:
        >>> plain_args("--max_epoch 2 --token_list data/ar/tokens.txt")
        '_max_epoch2_token_listtokens.txt'
    """
    text = text.replace("--", "_")
    text = re.sub(f"/+(?={_SPACE}|$)", "", text)
    text = re.sub(r"[^ \t\n\v\f\r=]*/", "", text)  # only the last part of a path
    return re.sub(r"[ \t\n\v\f\r|=]", "", text)


def stem(path: str) -> str:
    """Return the name of a file or folder without its last suffix."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[0] if "." in name else name


def shorten(name: str) -> str:
    """Return a name that fits into a file name: itself, or its head and a checksum."""
    whole = name.encode()
    if len(whole) <= MAX_BYTES:
        return name
    head = re.sub(rb"[^ -~]*\Z", b"", whole[:KEPT_BYTES])  # no half of a letter
    number = checksum(whole + b"\n")  # of the name as a line, as `cksum <<< name`
    return f"{head.decode()}_{number}"


def checksum(data: bytes) -> int:
    """Return the checksum that POSIX's `cksum` prints: CRC-32 of bytes and length."""
    value = 0
    for byte in (*data, *_count(len(data))):
        value ^= byte << 24
        for _ in range(8):
            value = value << 1 ^ (0x104C11DB7 if value >> 31 else 0)
    return value ^ 0xFFFFFFFF


def _count(number: int) -> Iterator[int]:
    while number:
        yield number & 0xFF
        number >>= 8
