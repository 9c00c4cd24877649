"""Normalize a stream of lines in blocks, with several processes."""

from __future__ import annotations

import codecs
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO, NamedTuple

from hamzaban.processes import run_on_processes
from hamzaban.text.marks import normalize_around, read_marks
from hamzaban.text.normalizer import Change, Normalizer, get_normalizer

BLOCK_BYTES = 2**20
MAX_SHOWN_CHARS = 4  # most code points shown of a piece
_TOKEN = re.compile(r"\S+")


@dataclass(frozen=True)
class StreamOptions:
    """Options of `normalize_stream`.

    Attributes:
        lang: Language of the rules.
        profile: Profile of the rules.
        options: Values of the language's options, as pairs.
        kaldi: Keep the first field, an utterance id, as it is.
        explain: Write after each line what each rule changed in it.
        report: Count the tokens that each rule changes.
        marks: What becomes of marks of sounds (see `hamzaban.text.marks.read_marks`);
            `text` leaves all marks to the rules.
    """

    lang: str
    profile: str = "train"
    options: tuple[tuple[str, str], ...] = ()
    kaldi: bool = False
    explain: bool = False
    report: bool = False
    marks: str = "text"

    def build_normalizer(self) -> Normalizer:
        """Return the normalizer, which each process makes once."""
        return get_normalizer(self.lang, self.profile, self.options)


@dataclass
class Report:
    """Counts of the tokens that each rule changed.

    Attributes:
        num_lines: Lines read.
        num_tokens: Tokens in them, separated by white space.
        changed: Number of changed tokens by rule.
    """

    num_lines: int = 0
    num_tokens: int = 0
    changed: Counter[str] = field(default_factory=Counter)

    def add(self, other: Report) -> None:
        """Add the counts of another part of the stream."""
        self.num_lines += other.num_lines
        self.num_tokens += other.num_tokens
        self.changed.update(other.changed)

    def format(self) -> str:
        """Return a table; the rule that changed most comes first."""
        lines = [f"{self.num_lines} lines, {self.num_tokens} tokens"]
        width = max((len(rule) for rule in self.changed), default=0)
        for rule, count in self.changed.most_common():
            share = 100 * count / self.num_tokens if self.num_tokens else 0.0
            lines.append(f"{rule:<{width}}  {count:>9}  {share:6.2f} %")
        return "\n".join(lines)


def normalize_stream(
    source: BinaryIO, sink: BinaryIO, name: str, options: StreamOptions, nj: int = 1
) -> Report:
    """Normalize lines of UTF-8 text and write as many lines in the same order.

    Args:
        source: The stream to read to its end. Only `\\n` ends a line.
        sink: The stream to write.
        name: Name of the source in errors.
        options: The options.
        nj: Number of processes.

    Returns:
        The counts; those of rules only if the options ask for them.

    Raises:
        ValueError: A line is not UTF-8, or the language, profile or an option is
            unknown, or a process died.
    """
    options.build_normalizer()
    total = Report()
    work = partial(_try_block, options)
    blocks = _read_blocks(source)
    for done in run_on_processes(work, blocks, nj, in_order=True):
        if isinstance(done, _BadByte):
            raise ValueError(
                f"{name}:{total.num_lines + done.line}: byte 0x{done.byte:02X} is not "
                f"UTF-8 ({done.reason}); convert the text to UTF-8 or remove the line"
            )
        out, report = done
        sink.write(out)
        total.add(report)
    return total


class _BadByte(NamedTuple):
    """A byte that is not UTF-8: its line in the block, its value, and the reason."""

    line: int
    byte: int
    reason: str


def _try_block(options: StreamOptions, block: bytes) -> tuple[bytes, Report] | _BadByte:
    try:
        return normalize_block(block, options)
    except UnicodeDecodeError as error:
        line = block.count(b"\n", 0, error.start) + 1
        return _BadByte(line, block[error.start], error.reason)


def normalize_block(block: bytes, options: StreamOptions) -> tuple[bytes, Report]:
    """Normalize whole lines.

    Raises:
        UnicodeDecodeError: They are not UTF-8.
    """
    text = block.decode("utf-8")
    normalizer = options.build_normalizer()
    report = Report(block.count(b"\n") + (not block.endswith(b"\n")))
    end = "\n" if text.endswith("\n") else ""
    text = text.removesuffix("\n")
    by_line = options.kaldi or options.explain or options.report
    if by_line or options.marks == "keep":
        lines = (
            _each_line(line, normalizer, options, report) for line in text.split("\n")
        )
        text = "\n".join(lines)
    else:
        if options.marks == "drop":
            text = "\n".join(read_marks(line).text for line in text.split("\n"))
        text = normalizer.normalize_lines(text)
    return (text + end).encode("utf-8"), report


def describe_change(change: Change) -> str:
    """Return a line that says what a rule changed: `kaf: ك U+0643 -> ک U+06A9 (2)`."""
    counts = Counter(
        (change.before[start:end], new) for start, end, new in change.edits
    )
    pieces = (
        f"{_show(old)} -> {_show(new)}" + (f" ({count})" if count > 1 else "")
        for (old, new), count in counts.items()
    )
    return f"{change.rule}: {', '.join(pieces)}"


def count_tokens(change: Change) -> int:
    """Return the number of tokens of the text before that a rule changed."""
    spans = ((m.start(), m.end()) for m in _TOKEN.finditer(change.before))
    edits = deque(change.edits)
    count = 0
    for start, end in spans:
        while edits and edits[0][1] < start:
            edits.popleft()
        touched = (e for e in edits if e[0] < end and (e[1] > start or e[0] > start))
        count += next(touched, None) is not None
    return count


def _each_line(
    line: str, normalizer: Normalizer, options: StreamOptions, report: Report
) -> str:
    utt_id = ""
    if options.kaldi:
        utt_id, _, line = line.replace("\t", " ").partition(" ")
    marked = read_marks(line, options.marks)
    shown = [f"    {mark.kind}: {mark.text}" for mark in marked.marks]
    if options.report or options.explain:
        report.num_tokens += len(line.split())
        for change in normalizer.explain(marked.text):
            report.changed[change.rule] += count_tokens(change)
            shown.append(f"    {describe_change(change)}")
    rules = normalizer.normalize
    keeps = options.marks == "keep"
    out = normalize_around(marked.text, rules) if keeps else rules(marked.text)
    out = f"{utt_id} {out}" if utt_id and out else utt_id + out
    return "\n".join([out, *shown]) if options.explain else out


def _show(piece: str) -> str:
    points = " ".join(f"U+{ord(char):04X}" for char in piece[:MAX_SHOWN_CHARS])
    more = " ..." if len(piece) > MAX_SHOWN_CHARS else ""
    visible = piece if piece.strip().isprintable() and piece.strip() else ""
    return f"{visible} {points}{more}".strip() if piece else "nothing"


def _read_blocks(source: BinaryIO) -> Iterator[bytes]:
    is_head = True
    while block := source.read(BLOCK_BYTES):
        if is_head:
            block, is_head = block.removeprefix(codecs.BOM_UTF8), False
        yield block if block.endswith(b"\n") else block + source.readline()
