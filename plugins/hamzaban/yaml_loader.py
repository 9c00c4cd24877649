"""Read YAML safely, within bounds, and with the line of each fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.constructor import ConstructorError, SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode
from yaml.reader import Reader

MAX_DEPTH = 40  # deepest nesting of mappings and lists
MAX_COPIES = 100_000  # most values that all aliases together stand for
MAX_INT_CHARS = 20
_INT, _MERGE = "tag:yaml.org,2002:int", "tag:yaml.org,2002:merge"
_TYPES = ("null", "bool", "float", "str", "seq", "map")
_TAGS = {None, _INT, _MERGE, *(f"tag:yaml.org,2002:{name}" for name in _TYPES)}
_COMPOSER: Any = Composer
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(path: str | Path) -> Any:
    """Read a YAML file: mappings, lists, text, numbers, true, false and null.

    A date is text. A byte order mark is skipped.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not UTF-8 or not YAML, a key occurs twice, a value is of
            another type, it is nested too deep, or its aliases multiply or lead back.
            The message has the file and the line.
    """
    return parse_yaml(_decode(path, Path(path).read_bytes()), path)


def parse_yaml(text: str, path: str | Path) -> Any:
    """Return what YAML text holds, as `load_yaml` does.

    Args:
        text: The YAML.
        path: Where it comes from, for messages.

    Raises:
        ValueError: As `load_yaml`.
    """
    wrong = Reader.NON_PRINTABLE.search(text)
    if wrong:
        line = text.count("\n", 0, wrong.start()) + 1
        raise ValueError(
            f"{path}:{line}: character U+{ord(wrong.group()):04X} found, which YAML "
            "does not allow; remove it"
        )
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        last = text.rstrip("\n").count("\n")  # the end of the text is on its last line
        line = min(mark.line if mark else 0, last) + 1
        raise ValueError(f"{path}:{line}: {_explain(e)}") from e
    finally:
        loader.dispose()


def _decode(path: str | Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = content.count(b"\n", 0, e.start) + 1
        raise ValueError(
            f"{path}:{line}: byte {e.start} is 0x{content[e.start]:02x}, which is not "
            "UTF-8; save the file as UTF-8"
        ) from e


def _explain(error: yaml.MarkedYAMLError) -> str:
    problem = " ".join((error.problem or error.context or "").split())
    if isinstance(error, _Refusal):
        return problem
    context = " ".join((error.context or "").split())
    return "is not YAML: " + ", ".join(text for text in (context, problem) if text)


class _Refusal(ConstructorError):
    """YAML that is valid, but that we refuse to read."""

    def __init__(self, problem: str, node: Any) -> None:
        super().__init__(None, None, problem, node.start_mark)


class _Guard(_COMPOSER):
    """PyYAML's composer with bounds; it counts what aliases stand for."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.copies = 0
        self.sizes: dict[int, tuple[int, int]] = {}  # values and depth of each node

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose a node; refuse one that is too deep or multiplies."""
        alias = self.peek_event() if self.check_event(yaml.AliasEvent) else None
        if alias is not None:
            return self._follow(alias, super().compose_node(parent, index))
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Refusal(f"nested deeper than {MAX_DEPTH}", self.peek_event())
        node = super().compose_node(parent, index)
        self.depth -= 1
        self.sizes[id(node)] = self._measure(node)
        return node

    def compose_mapping_node(self, anchor: Any) -> Any:
        """Compose a mapping; refuse a key that occurs twice."""
        node = super().compose_mapping_node(anchor)
        seen: dict[Any, int] = {}
        for key, _ in node.value:
            if not isinstance(key, ScalarNode):
                raise _Refusal("a key is a list or a mapping, expected text", key)
            name = key.value if key.tag == _MERGE else self.construct_object(key)
            if name in seen:
                raise _Refusal(
                    f"key {key.value[:60]} occurs twice, first in line {seen[name]}; "
                    "remove one",
                    key,
                )
            seen[name] = key.start_mark.line + 1
        return node

    def _follow(self, alias: Any, node: Any) -> Any:
        if id(node) not in self.sizes:
            raise _Refusal(f"*{alias.anchor[:60]} stands within what it names", alias)
        size, height = self.sizes[id(node)]
        self.copies += size
        if self.copies > MAX_COPIES:
            raise _Refusal(f"aliases stand for more than {MAX_COPIES} values", alias)
        if self.depth + height > MAX_DEPTH:
            raise _Refusal(f"nested deeper than {MAX_DEPTH}", alias)
        return node

    def _measure(self, node: Node) -> tuple[int, int]:
        if isinstance(node, ScalarNode):
            return 1, 1
        children = node.value
        if isinstance(node, MappingNode):
            children = [child for pair in node.value for child in pair]
        found = [self.sizes[id(child)] for child in children]
        return 1 + sum(n for n, _ in found), 1 + max((h for _, h in found), default=0)


class _Loader(_Guard, _BASE):
    """PyYAML's safe loader, in C where there is one, with bounds."""

    yaml_constructors = {
        tag: make
        for tag, make in SafeConstructor.yaml_constructors.items()
        if tag in _TAGS
    }
    yaml_implicit_resolvers = {
        first: [pair for pair in pairs if pair[0] in _TAGS]
        for first, pairs in _BASE.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str) -> None:
        _BASE.__init__(self, text)
        _Guard.__init__(self)

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """Make a value; refuse text that is not of its tag, such as `!!int a`."""
        if node.tag == _INT and len(node.value) > MAX_INT_CHARS:
            raise _Refusal(
                f"whole number of {len(node.value)} characters found, expected "
                f"{MAX_INT_CHARS} at most",
                node,
            )
        if node.tag not in _TAGS:
            raise _Refusal(f"tag {node.tag[:60]} is not read; remove it", node)
        try:
            return _BASE.construct_object(self, node, deep)
        except (LookupError, ValueError) as e:
            kind = node.tag.rpartition(":")[2]
            raise _Refusal(f"{node.value[:60]!r} is not of type {kind}", node) from e
