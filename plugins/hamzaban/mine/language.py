"""The hook for a language filter: the user's own function, called for each chunk.

conf/mine.yaml names it, `language_filter: my_module:identify`; the module is found on
PYTHONPATH. It is called as

    identify(speech, fs) -> (code, score)

with `speech` float32 of shape (num_samples,) in -1..1 and `fs` in Hz, and returns an
ISO 639 code and a confidence, 0..1. It runs in each process of --nj: load a model in
it once, for example in a function with functools.cache. A chunk is dropped for the
reason `language` if its code is not in `languages` or its score is below
`min_language_score`. utt2lang and the provenance record the code.
"""

import importlib
import math
from collections.abc import Callable
from functools import cache

import numpy as np

Identify = Callable[[np.ndarray, int], tuple[str, float]]


@cache
def load_filter(name: str) -> Identify:
    """Import the function that `module:function` names.

    Raises:
        ValueError: There is no such module or function.
    """
    module_name, _, function_name = name.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"language_filter '{name}': {error}; expected module:function, the module "
            "on PYTHONPATH"
        ) from error
    if not callable(found):
        raise ValueError(
            f"language_filter '{name}' is not a function; expected module:function"
        )
    return found


def identify(name: str, speech: np.ndarray, fs: int) -> tuple[str, float]:
    """Call the filter on a chunk and return its checked result.

    Args:
        name: `module:function`.
        speech: Samples, shape (num_samples,).
        fs: Rate of `speech`, Hz.

    Returns:
        A code and a score.

    Raises:
        ValueError: The filter fails or returns something else.
    """
    function = load_filter(name)
    try:
        code, score = function(speech, fs)
        code, score = str(code), float(score)
    except Exception as error:
        raise ValueError(
            f"language_filter '{name}' failed: {type(error).__name__}: {error}; "
            "expected it to return (code, score)"
        ) from error
    if math.isnan(score) or not code or any(c.isspace() for c in code):
        raise ValueError(
            f"language_filter '{name}' returned {code!r}, {score}; expected a code "
            "such as fa and a number"
        )
    return code, score
