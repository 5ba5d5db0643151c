"""What compiled code may do with memory and numba has no word for: to look at a part of a flat array without asking whether it is
inside, and to find what a call needs where it was left before, for to take a hundred arrays apart takes longer than a step.

Without the compiler a slice is a slice, and what is left somewhere is simply handed on.
"""

import types as types_of_python
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import config, njit, types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def _window(context: Any, array: Any, start: Any, length: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(array)
        whole, part = view(context, builder, arguments[0]), view(context, builder)
        for name in ("itemsize", "strides", "meminfo", "parent"):
            setattr(part, name, getattr(whole, name))
        part.data = builder.gep(whole.data, [arguments[1]])
        part.nitems, part.shape = arguments[2], cgutils.pack_array(builder, [arguments[2]])
        return part._getvalue()

    return array(array, types.intp, types.intp), code


@intrinsic
def _keep(context: Any, address: Any, value: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.inttoptr(arguments[0], context.get_data_type(value).as_pointer())
        context.pack_value(builder, value, arguments[1], place)
        return arguments[0]

    return types.intp(types.intp, value), code


@intrinsic
def _recall(context: Any, address: Any, kind: Any) -> Any:
    value = kind.instance_type

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.inttoptr(arguments[0], context.get_data_type(value).as_pointer())
        return context.unpack_value(builder, value, place)

    return value(types.intp, kind), code


@intrinsic
def _fetch(context: Any, array: Any, place: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(array)(context, builder, arguments[0]).data
        at = builder.bitcast(builder.gep(data, [arguments[1]]), cgutils.voidptr_t)
        word = cgutils.int32_t
        prefetch = ir.FunctionType(ir.VoidType(), [at.type, word, word, word])
        to_write, into_nearest_cache, data_not_code = word(1), word(3), word(1)
        function = cgutils.get_or_insert_function(builder.module, prefetch, "llvm.prefetch.p0")
        builder.call(function, [at, to_write, into_nearest_cache, data_not_code])
        return context.get_dummy_value()

    return types.none(array, types.intp), code


if config.DISABLE_JIT:

    def window(array, start, length):
        return array[start : start + length]

    def keep(address, value):
        return value

    def recall(place, kind):
        return place

    def fetch(array, place):
        pass
else:
    window, keep, recall, fetch = _window, _keep, _recall, _fetch
"""window(array, start, length): a part of a flat C-contiguous array, for code compiled without reference counts. A slice looks at
both its ends, and a step of small games makes many.

keep(address, value) leaves a tuple of numbers, arrays and such tuples at an address and returns the place where it now is;
recall(place, kind) is what was left there, whose numba type must be `kind`. Somebody has to hold the arrays all the while.

fetch(array, place) begins to bring a place of a flat array into the nearest cache, to be written: it changes nothing but time.
"""


def as_record(array: np.ndarray) -> np.ndarray:
    """Without the compiler the rules read the fields of records as those of NumPy's."""
    return array.view(np.recarray) if config.DISABLE_JIT else array


def room(value: Any) -> int:
    """Words of 64 bits that `keep` needs at most."""
    if isinstance(value, tuple):
        return sum(map(room, value))
    return 5 + 2 * np.ndim(value)


def _leave(address, value):
    return keep(address, value)


@cache
def _leaver(whose: str) -> Any:
    """`_leave`, compiled for one game: numba keeps the types of all that a function took in one file, which it reads whole, and
    which so could be read only by who has the modules of everybody's games."""
    function = types_of_python.FunctionType(_leave.__code__, globals(), _leave.__name__)
    function.__qualname__ = f"_leave_{whose.replace('.', '_')}"
    return njit(function, cache=True, _nrt=False)


def leave(value: Any, whose: str) -> tuple[Any, Any]:
    """Keep a value for compiled code: where it is, and the memory, which lives as long as somebody holds it.

    whose: the name of a game's module, under which the disk cache has what this compiles to.
    """
    memory = np.zeros(room(value), np.int64)
    return _leaver(whose)(memory.ctypes.data, value), memory
