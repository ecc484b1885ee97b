"""The user's own functions, named as ``module:function``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from closerlook.errors import UsageError

__all__ = ["load_function"]


def load_function(reference: str, what: str) -> Callable[..., Any]:
    """The function that ``module:function`` names; modules of the working folder are found too.

    Args:
        what: what the function is to be, for messages: ``"embedding"``, ``"backbone"``.

    Raises:
        UsageError: there is no such module or function, or it cannot be called.
    """
    module_name, _, function_name = reference.partition(":")
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        function = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"There is no {what} '{reference}': {error}.") from None
    finally:
        sys.path.remove(folder)
    if not callable(function):
        raise UsageError(f"{what.capitalize()} '{reference}' is not a function.")
    found: Callable[..., Any] = function
    return found
