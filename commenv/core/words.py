"""Messages of variable length: words of letters 1..L that the end symbol 0 closes, numbered by length, then by letter.

As the end symbol comes last and nowhere else, no word begins another: a prefix code, with sum over words of
(L + 1)**-length <= 1 (Kraft 1949). So the entropy of a word never exceeds log2(L + 1) times its mean length.
"""

from collections.abc import Sequence

from commenv.core.errors import bad, whole


def count(letters: int, length: int) -> int:
    """Words of at most `length` symbols, the end symbol included: sum of letters**k for k < length; at most 2**17 is exact."""
    total = 0
    for k in range(length):
        total += letters**k
        if total > 2**17:  # more than any channel takes; and letters**k would soon be astronomic
            break
    return total


def length(index: int, letters: int) -> int:
    """Symbols of the word of that number, the end symbol included."""
    if letters == 1:
        return index + 1
    symbols, alike = 1, 1  # words of so many symbols
    while index >= alike:
        index -= alike
        alike *= letters
        symbols += 1
    return symbols


def decode(index: int, symbols: int) -> tuple[int, ...]:
    """The word of that number.

    >>> [decode(index, 3) for index in range(5)]
    [(0,), (1, 0), (2, 0), (1, 1, 0), (1, 2, 0)]
    """
    letters = whole("symbols", symbols, 2) - 1
    rest, word = whole("index", index, 0), [0]
    size = length(rest, letters)
    rest -= count(letters, size - 1) if size > 1 else 0
    for _ in range(size - 1):
        rest, letter = divmod(rest, letters)
        word.append(letter + 1)
    return tuple(reversed(word))


def encode(word: Sequence[int], symbols: int) -> int:
    """The number of a word: inverse of `decode`. Raises ValueError unless 0 stands at its end and only there."""
    letters = whole("symbols", symbols, 2) - 1
    *body, end = [whole("symbol", symbol, 0, letters) for symbol in word] or [1]
    if end != 0 or 0 in body:
        raise bad("word", tuple(word), f"letters 1 to {letters}, then the end symbol 0")
    index = 0
    for letter in body:
        index = index * letters + letter - 1
    return index + count(letters, len(body))
