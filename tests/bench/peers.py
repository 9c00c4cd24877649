"""Other normalizers of Perso-Arabic text, each in a throw-away environment of its own.

Used by bench_normalize.py (speed) and bench_cases.py (correctness). A package whose
import needs packages that normalizing does not use (torch, onnxruntime, a pinned numpy)
is loaded without its `__init__`; the normalizer itself is unchanged.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

STUB = """
import importlib.util, sys, types
def stub(name):
    module = types.ModuleType(name)
    spec = importlib.util.find_spec(name)
    module.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = module
    return module
"""
HAZM = """
hazm = stub("hazm")
import hazm.utils
vars(hazm).update({k: v for k, v in vars(hazm.utils).items() if k[0] != "_"})
for module, name in (("stemmer", "Stemmer"), ("word_tokenizer", "WordTokenizer"),
                     ("lemmatizer", "Conjugation"), ("lemmatizer", "Lemmatizer")):
    found = importlib.import_module("hazm." + module)
    setattr(hazm, name, getattr(found, name))
from hazm.normalizer import Normalizer
"""
# Reads commands, one per line, as JSON; answers each with a line of JSON.
WORKER = """
import json, os, sys, time
answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
{program}
for command in sys.stdin:
    words = json.loads(command)
    if words[0] == "texts":
        result = []
        for text in words[1]:
            try:
                result.append(str(normalize(text)))
            except Exception as error:
                result.append("!" + type(error).__name__)
    else:
        with open(words[1], encoding="utf-8", newline="\\n") as stream:
            lines = stream.read().split("\\n")
        start, cpu = time.perf_counter(), time.process_time()
        if "normalize_block" in globals():
            for first in range(0, len(lines), 1000):
                normalize_block("\\n".join(lines[first : first + 1000]))
        else:
            for line in lines:
                normalize(line)
        result = [time.process_time() - cpu, time.perf_counter() - start]
    print(json.dumps(result), file=answer, flush=True)
"""


@dataclass(frozen=True)
class Peer:
    """A normalizer and how to run it.

    Attributes:
        name: Name in tables.
        langs: Languages it is for.
        scope: `full` (letters, marks, digits, punctuation or spacing) or `letters`.
        packages: Packages to install with pip; nothing else is installed.
        program: Python that defines `normalize(text)`.
    """

    name: str
    langs: tuple[str, ...]
    scope: str
    packages: tuple[str, ...]
    program: str


FA, AR, UR, CKB = ("fa",), ("ar",), ("ur",), ("ckb",)
HAZM_PACKAGES = ("hazm==0.10.0", "nltk", "flashtext", "regex")
WHISPER = "from whisper_normalizer.basic import BasicTextNormalizer\n"
PEERS = (
    Peer(
        "hazm, letters only",
        FA,
        "letters",
        HAZM_PACKAGES,
        STUB + HAZM + "normalize = Normalizer(correct_spacing=False, decrease_repeated"
        "_chars=False, seperate_mi=False).normalize",
    ),
    Peer(
        "hazm",
        FA,
        "full",
        HAZM_PACKAGES,
        STUB + HAZM + "normalize = Normalizer().normalize",
    ),
    Peer(
        "shekar",
        FA,
        "full",
        ("shekar==1.7.0", "flashtext"),
        STUB + "stub('shekar')\nfrom shekar.base import BaseTextTransform\n"
        "from shekar.normalizer import Normalizer\nnormalize = Normalizer()",
    ),
    Peer(
        "parsivar",
        FA,
        "full",
        ("parsivar==0.2.3.1", "nltk", "regex", "joblib", "click", "tqdm"),
        "from parsivar import Normalizer\nnormalize = Normalizer().normalize",
    ),
    *(
        Peer(
            "piraye",
            (lang,),
            "full",
            ("piraye==1.1.1", "nltk", "regex", "joblib", "click", "tqdm"),
            "from piraye import NormalizerBuilder\n"
            f"built = (NormalizerBuilder().alphabet_{lang}().digit_en()\n"
            f"         .punctuation_{lang}().diacritic_delete().space_normal()\n"
            "         .remove_extra_spaces().build())\n"
            "normalize = lambda text: built.normalize(text)[0]",
        )
        for lang in ("fa", "ar")
    ),
    Peer(
        "persiantools",
        FA,
        "letters",
        ("persiantools==6.2.0",),
        "from persiantools import characters, digits\n"
        "normalize = lambda text: digits.ar_to_fa(characters.ar_to_fa(text))",
    ),
    Peer(
        "camel-tools",
        AR,
        "full",
        ("camel-tools==1.6.0", "six", "emoji"),
        "from camel_tools.utils.normalize import (normalize_alef_ar as alef,\n"
        "    normalize_alef_maksura_ar as maksura, normalize_teh_marbuta_ar as teh,\n"
        "    normalize_unicode as letters)\n"
        "from camel_tools.utils.dediac import dediac_ar\n"
        "normalize = lambda text: teh(maksura(alef(dediac_ar(letters(text)))))",
    ),
    Peer(
        "camel-tools, Unicode and marks",
        AR,
        "letters",
        ("camel-tools==1.6.0", "six", "emoji"),
        "from camel_tools.utils.normalize import normalize_unicode\n"
        "from camel_tools.utils.dediac import dediac_ar\n"
        "normalize = lambda text: dediac_ar(normalize_unicode(text))",
    ),
    Peer(
        "pyarabic",
        AR,
        "letters",
        ("pyarabic==0.6.15", "six"),
        "from pyarabic import araby\n"
        "normalize = lambda text: araby.normalize_ligature(\n"
        "    araby.strip_tatweel(araby.strip_tashkeel(text)))",
    ),
    Peer(
        "urduhack's rules",
        UR,
        "full",
        ("urduhack==1.1.1", "regex"),
        STUB + "stub('urduhack')\nfrom urduhack.normalization import normalize",
    ),
    Peer(
        "LughaatNLP",
        UR,
        "full",
        ("LughaatNLP==1.3.1", "Levenshtein", "rapidfuzz", "setuptools<81"),
        STUB + "stub('LughaatNLP')\nfrom LughaatNLP.LughaatNLP import LughaatNLP\n"
        "normalize = LughaatNLP().normalize",
    ),
    Peer(
        "klpt",
        CKB,
        "full",
        ("klpt==0.1.7", "chunspell==2.0.4"),
        "from klpt.preprocess import Preprocess\n"
        "tool = Preprocess('Sorani', 'Arabic', numeral='Latin')\n"
        "normalize = lambda text: tool.preprocess(text)",
    ),
    Peer(
        "asosoft",
        CKB,
        "full",
        ("asosoft==0.2.0", "regex"),
        "import asosoft\nnormalize = lambda text: asosoft.UnifyNumerals(\n"
        "    asosoft.Normalize(text), 'en')",
    ),
    *(
        Peer(
            f"Whisper basic{', remove_diacritics' if flag else ''}",
            ("fa", "ar", "ur", "ps", "ckb", "ug", "sd", "pnb", "ks"),
            "full",
            ("whisper-normalizer==0.1.15", "regex"),
            f"{WHISPER}normalize = BasicTextNormalizer(remove_diacritics={flag})",
        )
        for flag in (False, True)
    ),
)


def install(peer: Peer, folder: Path) -> Path:
    """Make the peer's environment unless it exists; return its Python.

    Raises:
        ValueError: A package does not install.
    """
    home = folder / "-".join(peer.packages[0].replace("=", " ").split())
    python = home / "bin" / "python"
    if not (home / "complete").is_file():
        uv = shutil.which("uv")
        if uv:
            make = [uv, "venv", "--clear", "--python", sys.executable, str(home)]
            pip = [uv, "pip", "install", "--python", str(python)]
        else:
            make = [sys.executable, "-m", "venv", "--clear", str(home)]
            pip = [str(python), "-m", "pip", "install"]
        for words in (make, [*pip, "--no-deps", *peer.packages]):
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode:
                raise ValueError(f"does not install: {_last_line(done.stderr)}")
        (home / "complete").touch()
    return python


def program_of_ours(lang: str, profile: str, *, in_blocks: bool = False) -> str:
    """Return the program that runs our normalizer, by lines or by blocks of lines."""
    method = "normalize_lines" if in_blocks else "normalize"
    return (
        "from hamzaban.text import Normalizer\n"
        f"tool = Normalizer({lang!r}, {profile!r})\nnormalize = tool.normalize\n"
        + (f"normalize_block = tool.{method}" if in_blocks else "")
    )


class Worker:
    """A running peer, or ours."""

    def __init__(self, python: Path | str, program: str) -> None:
        """Start it.

        Raises:
            ValueError: It does not import.
        """
        self.process = subprocess.Popen(
            [str(python), "-W", "ignore", "-c", WORKER.format(program=program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.ask("texts", [""])

    def ask(self, *words: object) -> list:
        """Send a command; return the answer."""
        assert self.process.stdin and self.process.stdout and self.process.stderr
        try:
            self.process.stdin.write(json.dumps(words) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            error = _last_line(self.process.stderr.read())
            raise ValueError(f"does not run: {error}") from None

    def close(self) -> None:
        """End it."""
        self.process.communicate()


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]
