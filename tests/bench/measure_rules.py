"""Measure what each text rule changes in real text, and which cases peers pass.

Writes the numbers that `python -m hamzaban.text.document` puts into the page of the
rules. Cost: share of white-space separated tokens that a rule changes, applied after
the rules before it. Cases: tests/plugins/normalization_cases. Agreement: the tests of
nisaba in tests/plugins/nisaba, beside those that agreed with version 1 of the rules.

Usage: python tests/bench/measure_rules.py --text_dir DIR [--env_dir DIR | --keep_peers]
"""

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "plugins"))

from case_tables import Case, describe_failure, list_languages, read_cases
from nisaba_tables import count_agreeing, read_pairs
from peers import PEERS, Worker, install

from hamzaban.fileio import atomic_text
from hamzaban.text import Normalizer
from hamzaban.text.document import MEASURED
from hamzaban.text.normalizer import Change

_TOKEN = re.compile(r"\S+")


def count_changed(change: Change) -> int:
    """Count the tokens of the text before a rule that the rule changes."""
    changed = 0
    edits = iter(change.edits)
    edit = next(edits, None)
    for token in _TOKEN.finditer(change.before):
        while edit is not None and edit[1] < token.start():
            edit = next(edits, None)
        if edit is None:
            break
        start, end = token.span()
        inside = edit[0] < end and edit[1] > start
        changed += inside or (edit[0] == edit[1] and start < edit[0] < end)
    return changed


def measure_costs(lang: str, lines: Sequence[str]) -> tuple[dict[str, float], int]:
    """Return the share of tokens that each rule changes, and the number of tokens."""
    normalizer = Normalizer(lang, "score")
    counts: Counter[str] = Counter(dict.fromkeys(rule_names(normalizer), 0))
    tokens = 0
    for line in lines:
        tokens += len(line.split())
        for change in normalizer.explain(line):
            counts[change.rule] += count_changed(change)
    return {name: round(count / tokens, 6) for name, count in counts.items()}, tokens


def rule_names(normalizer: Normalizer) -> Iterator[str]:
    """Return the names of the rules in force."""
    for rules in normalizer.passes:
        for rule in rules:
            yield rule.name


def count_passed(cases: Sequence[Case], worker: Worker) -> int:
    """Count the cases that a peer passes."""

    def normalize(text: str) -> str:
        return worker.ask("texts", [text])[0]

    return sum(describe_failure(case, normalize) is None for case in cases)


def measure_cases(
    lang: str, env_dir: Path, peers: dict[str, Any] | None
) -> dict[str, Any]:
    """Count the cases that ours and each peer of the language pass.

    Args:
        lang: The language.
        env_dir: Folder of the peers' environments.
        peers: The peers' counts if they are known.
    """
    cases: dict[str, list[Case]] = {"train": [], "score": []}
    for case in read_cases(lang):
        cases[case.profile].append(case)
    found: dict[str, Any] = {}
    for profile, chosen in cases.items():
        normalize = Normalizer(lang, profile).normalize
        passed = [case for case in chosen if describe_failure(case, normalize) is None]
        found[profile], found[f"ours_{profile}"] = len(chosen), len(passed)
    found["peers"] = peers or {}
    for peer in PEERS if peers is None else ():
        if lang in peer.langs:
            try:
                worker = Worker(install(peer, env_dir), peer.program)
            except ValueError as error:
                found["peers"][peer.name] = str(error)
                continue
            found["peers"][peer.name] = count_passed(cases["train"], worker)
            worker.close()
    return found


def measure_agreement(lang: str, old: dict[str, int]) -> dict[str, int]:
    """Count the tests of nisaba that agree, and print the change."""
    tests, agree = len(read_pairs(lang)), count_agreeing(lang)
    before = old["before"]
    print(f"{lang}: {agree} of {tests} tests of nisaba agree; in version 1 {before}")
    return {"tests": tests, "before": before, "agree": agree}


def main(cmd: Sequence[str] | None = None) -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text_dir", type=Path, required=True)
    parser.add_argument("--env_dir", type=Path, help="keeps environments for next time")
    parser.add_argument(
        "--keep_peers", action="store_true", help="of the last run; count ours again"
    )
    parser.add_argument("--output", type=Path, default=MEASURED)
    args = parser.parse_args(cmd)
    old = json.loads(MEASURED.read_text(encoding="utf-8"))
    result: dict[str, dict[str, Any]] = {"texts": {}, "costs": {}, "cases": {}}
    result["nisaba"] = {
        lang: measure_agreement(lang, found) for lang, found in old["nisaba"].items()
    }
    with tempfile.TemporaryDirectory() as folder:
        for lang in list_languages():
            known = old["cases"].get(lang, {}).get("peers", {})
            env_dir = args.env_dir or Path(folder)
            result["cases"][lang] = measure_cases(
                lang, env_dir, known if args.keep_peers else None
            )
            print(lang, result["cases"][lang], flush=True)
    for lang in list_languages():
        files = sorted(args.text_dir.glob(f"{lang}_*.txt"))
        if not files:
            continue
        lines = [line for file in files for line in file.read_text("utf-8").split("\n")]
        costs, tokens = measure_costs(lang, lines)
        result["costs"][lang] = costs
        source = "Universal Dependencies: " + ", ".join(file.stem for file in files)
        name = Normalizer(lang, "score").id
        result["texts"][lang] = {"id": name, "source": source, "tokens": tokens}
        print(lang, tokens, costs, flush=True)
    with atomic_text(args.output) as stream:
        json.dump(result, stream, ensure_ascii=False, indent=1, sort_keys=True)
        stream.write("\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
