"""A page of the transcripts that fit their audio worst, to read and to listen to."""

from __future__ import annotations

import difflib
import html
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hamzaban.audio.source import UnreadableError
from hamzaban.data.files import read_scp
from hamzaban.fileio import atomic_text

if TYPE_CHECKING:
    from hamzaban.align.check import Checked

MAX_SHOWN = 500  # utterances; more would make the page slow
PAGE = "check.html"


def write_page(
    worst: Sequence[Checked], data_dir: Path, output_dir: Path, min_score: float
) -> Path:
    """Write a page of utterances with their recordings; return its path.

    Recordings that browsers play are linked, others are put into the page.

    Args:
        worst: All utterances, the worst first.
        data_dir: Data directory with their wav.scp.
        output_dir: Folder of the page.
        min_score: Lowest score of an utterance that is kept.
    """
    import jinja2

    shown = worst[:MAX_SHOWN]
    sounds = dict(_play({checked.utt_id for checked in shown}, data_dir, output_dir))
    folder = Path(__file__).parent / "templates"
    loader = jinja2.FileSystemLoader(folder)
    environment = jinja2.Environment(loader=loader, autoescape=True)
    page = environment.get_template("check.html.j2").render(
        title=f"Transcripts of {data_dir}",
        num_kept=sum(checked.score >= min_score for checked in worst),
        num_all=len(worst),
        min_score=min_score,
        data_dir=data_dir,
        keep=output_dir / "keep",
        utterances=[_describe(c, sounds, min_score) for c in shown],
    )
    path = output_dir / PAGE
    with atomic_text(path) as stream:
        stream.write(page)
    return path


def mark_differences(text: str, heard: str) -> tuple[str, str]:
    """Return two texts as HTML in which words that only one of them has are marked.

    Examples:
        >>> mark_differences("a b <c>", "a x <c>")
        ('a <del>b</del> &lt;c&gt;', 'a <ins>x</ins> &lt;c&gt;')
    """
    left, right = text.split(), heard.split()
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    parts: tuple[list[str], list[str]] = ([], [])
    for tag, a, b, c, d in matcher.get_opcodes():
        for words, tag_name, found in (
            (left[a:b], "del", parts[0]),
            (right[c:d], "ins", parts[1]),
        ):
            joined = html.escape(" ".join(words))
            if joined:
                is_same = tag == "equal"
                found.append(
                    joined if is_same else f"<{tag_name}>{joined}</{tag_name}>"
                )
    return " ".join(parts[0]), " ".join(parts[1])


def _describe(
    checked: Checked, sounds: dict[str, str], min_score: float
) -> dict[str, Any]:
    from markupsafe import Markup

    text, heard = mark_differences(checked.text, checked.heard)
    return {
        "utt_id": checked.utt_id,
        "score": f"{checked.score:.4f}",
        "is_dropped": checked.score < min_score,
        "text": Markup(text),
        "heard": Markup(heard),
        "audio": sounds.get(checked.utt_id, ""),
    }


def _play(
    utt_ids: set[str], data_dir: Path, output_dir: Path
) -> Iterator[tuple[str, str]]:
    """Yield utterances and the addresses of their recordings."""
    from hamzaban.report.sound import encode_audio, find_link

    failed = []
    for utt_id, source in read_scp(data_dir / "wav.scp"):
        if utt_id not in utt_ids:
            continue
        link = find_link(source, output_dir)
        try:
            yield utt_id, link or encode_audio(source)[0]
        except (UnreadableError, OSError, ValueError) as error:
            failed.append(f"{utt_id} ({error})")
    if failed:
        logging.warning(
            "%d recordings cannot be played on the page, such as %s",
            len(failed),
            failed[0],
        )
