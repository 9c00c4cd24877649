"""The functions that rules may name: what a map or a pattern cannot say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hamzaban.text.rules_steps import Step

FUNCTIONS: dict[str, Callable[[Mapping[str, Any]], Step]] = {}
