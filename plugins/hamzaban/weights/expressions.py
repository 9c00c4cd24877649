"""Let S3PRL evaluate lists and names, and nothing that calls a function.

S3PRL holds the shapes of layers as Python text in the configuration of a model, in a
checkpoint or a YAML, and evaluates it.
"""

import ast
import builtins
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LIBRARY = "s3prl"
_MAX_LENGTH, _MAX_NUMBER = 2000, 10**5  # of a text in characters, and in a text
_ALLOWED = (
    *(ast.Expression, ast.List, ast.Tuple, ast.Constant, ast.Load, ast.Name),
    *(ast.Attribute, ast.Subscript, ast.BinOp, ast.Add, ast.Mult, ast.UnaryOp),
    ast.USub,
)
_evaluate = builtins.eval


def check_expression(text: str) -> None:
    """Check that a text is made of numbers, names, lists, `+` and `*`, without calls.

    Raises:
        ValueError: It is something else.
    """
    fault = "it is too long" if len(text) > _MAX_LENGTH else ""
    try:
        nodes = [] if fault else list(ast.walk(ast.parse(text.strip(), mode="eval")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        fault, nodes = "it is no expression", []
    for node in nodes:
        if not isinstance(node, _ALLOWED):
            fault = f"it has a {type(node).__name__}"
        value = getattr(node, "value", 0)
        if isinstance(value, int) and abs(value) > _MAX_NUMBER:
            fault = f"{value} is too large"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            inner = (*ast.walk(node.left), *ast.walk(node.right))
            if any(isinstance(part, ast.Mult) for part in inner):
                fault = "it repeats what it repeats"
    if fault:
        raise ValueError(
            f"a configuration of {_LIBRARY}: {text[:80]!r} is not evaluated, since "
            f"{fault}; expected lists of numbers, such as '[(512, 10, 5)] * 2'; "
            "get the model from a source you trust"
        )


@contextmanager
def checked_expressions() -> Iterator[None]:
    """Check what S3PRL evaluates while active; other code is not concerned."""
    before = builtins.eval
    builtins.eval = _eval
    try:
        yield
    finally:
        builtins.eval = before


def _eval(
    source: Any,
    globals: dict[str, Any] | None = None,
    locals: Any = None,
    /,
) -> Any:
    caller = sys._getframe(1)
    if str(caller.f_globals.get("__name__", "")).partition(".")[0] == _LIBRARY:
        check_expression(str(source))
    if globals is None:
        globals, locals = caller.f_globals, caller.f_locals
    return _evaluate(source, globals, locals)
