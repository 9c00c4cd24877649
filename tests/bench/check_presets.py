"""Compare the compatibility presets with the programs they follow, line by line.

The originals are not ours to ship: give the folders they were downloaded to. Each runs
in a process of its own. Text: the files of --text_dir and random lines over the Unicode
blocks that matter. Prints how many lines differ, and some of them; status 1 if any.

Usage: python tests/bench/check_presets.py --text_dir DIR --whisper DIR --fairseq DIR
           --peste DIR --leaderboard DIR [--python PYTHON]
"""

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hamzaban.text.presets import find_preset

BLOCKS = [
    *((0x20, 0x7F), (0xA0, 0x180), (0x300, 0x370), (0x590, 0x600), (0x600, 0x780)),
    *((0x8A0, 0x900), (0x900, 0x970), (0x2000, 0x2070), (0x2070, 0x2190), (9, 14)),
    *((0x3000, 0x3040), (0xFB50, 0xFE00), (0xFE00, 0x10000), (0x1F600, 0x1F650)),
]
ARABIC = (0x600, 0x700)
SNIPPETS = [*"()[]<>&;'0123456789 \u06f5\u0665", "&lt;", "&gt;", "&nbsp", " و ", "(1)"]
LOOP = """
import json, sys
for line in sys.stdin:
    print(json.dumps(normalize(json.loads(line))))
"""
WHISPER = "import runpy; module = runpy.run_path('whisper/normalizers/basic.py')\n"


@dataclass(frozen=True)
class Original:
    """How to run an original: the option with its folder and a program for Python."""

    option: str
    preset: str
    lang: str
    program: str


ORIGINALS = [
    Original(
        "whisper",
        "whisper-basic",
        "fa",
        WHISPER + "normalize = module['BasicTextNormalizer']()",
    ),
    Original(
        "whisper",
        "whisper-basic-remove-diacritics",
        "ur",
        WHISPER + "normalize = module['BasicTextNormalizer'](remove_diacritics=True)",
    ),
    *(
        Original(
            "fairseq",
            "mms",
            lang,
            "from examples.mms.data_prep.text_normalization import text_normalize\n"
            f"normalize = lambda text: text_normalize(text, {lang!r})",
        )
        for lang in ("ara", "fas", "heb", "mon", "tha")
    ),
    Original(
        "peste",
        "peste-fa-v1",
        "fa",
        "import sys; sys.path.insert(0, 'src')\n"
        "from peste.normalization import normalize_fa_v1 as normalize",
    ),
    Original(
        "leaderboard",
        "ar_oual",
        "ar",
        "import types, sys\n"
        "for name in ('tqdm', 'nemo', 'nemo.collections', 'nemo.collections.asr',\n"
        "             'nemo.collections.asr.metrics',\n"
        "             'nemo.collections.asr.metrics.wer'):\n"
        "    sys.modules[name] = types.ModuleType(name)\n"
        "sys.modules['tqdm'].tqdm = iter\n"
        "sys.modules['nemo.collections.asr.metrics.wer'].word_error_rate = None\n"
        "from eval import normalize_arabic_text as normalize",
    ),
]


def draw_lines(number: int, seed: int) -> Iterator[str]:
    """Draw random lines, half of their characters from the Arabic block."""
    rng = random.Random(seed)
    for _ in range(number):
        parts = []
        for _ in range(rng.randint(1, 30)):
            kind = rng.random()
            if kind < 0.3:
                parts.append(rng.choice(SNIPPETS))
            else:
                block = ARABIC if kind < 0.7 else rng.choice(BLOCKS)
                parts.append(chr(rng.randrange(*block)))
        yield "".join(parts)


def run_original(original: Original, folder: Path, python: str, data: str) -> list[str]:
    """Normalize lines, as JSON, with the original."""
    done = subprocess.run(
        [python, "-W", "ignore", "-c", original.program + LOOP],
        cwd=folder,
        input=data,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ValueError(f"{folder}: {original.preset}: {done.stderr.strip()[-500:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def compare(original: Original, folder: Path, python: str, lines: list[str]) -> int:
    """Print how many lines differ between the original and the preset."""
    data = "".join(f"{json.dumps(line)}\n" for line in lines)
    expected = run_original(original, folder, python, data)
    preset = find_preset(original.preset, original.lang)
    assert preset is not None
    wrong = [
        (line, want, got)
        for line, want in zip(lines, expected, strict=True)
        if (got := preset.normalize(line)) != want
    ]
    print(f"{preset.id} ({original.lang}): {len(wrong)} of {len(lines)} lines differ")
    for line, want, got in wrong[:5]:
        print(f"  {line!a}\n    original {want!a}\n    preset   {got!a}")
    return len(wrong)


def main(cmd: Sequence[str] | None = None) -> int:
    """Compare the presets whose folders are given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text_dir", type=Path, required=True)
    for option in dict.fromkeys(original.option for original in ORIGINALS):
        parser.add_argument(f"--{option}", type=Path)
    parser.add_argument("--python", default=sys.executable, help="has `regex`")
    parser.add_argument("--num_random", type=int, default=20000)
    args = parser.parse_args(cmd)
    lines = [
        line
        for path in sorted(args.text_dir.glob("*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    lines += draw_lines(args.num_random, 0)
    wrong = 0
    for original in ORIGINALS:
        folder = getattr(args, original.option)
        if folder is not None:
            wrong += compare(original, folder, args.python, lines)
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
