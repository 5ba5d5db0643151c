"""Tables of numbers as a user gives them, kept as nested tuples: nobody changes them later, and files can hold them."""

from typing import Any

import numpy as np

from commenv.core.errors import bad


def frozen(name: str, given: Any) -> tuple:
    """Nested tuples of a table whose rows are of one length. Raises ValueError for what is none."""
    try:
        return _tuples(np.array(given, float).tolist())
    except (TypeError, ValueError, OverflowError):
        raise bad(name, given, "nested lists of numbers, rows of one length") from None


def _tuples(given: Any) -> Any:
    return tuple(map(_tuples, given)) if isinstance(given, list) else given
