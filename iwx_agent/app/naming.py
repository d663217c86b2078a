"""Which of the names that there are a person means: all of it, or a beginning that no other has."""

from collections.abc import Iterable


class NotOneError(Exception):
    """It is the name of nothing, or ``matching`` several; ``known`` are all that there are."""

    def __init__(self, given: str, known: tuple[str, ...], matching: tuple[str, ...] = ()) -> None:
        self.given = given
        self.known = known
        self.matching = matching
        super().__init__(given)


def named(given: str, known: Iterable[str], *, least_characters: int = 1) -> str:
    """Return the name that is meant; a beginning has ``least_characters`` at least.

    >>> named("iwx-1a", ["iwx-1abc", "iwx-2abc"])
    'iwx-1abc'

    Raises:
        NotOneError: none is, or several are.
    """
    names = tuple(dict.fromkeys(known))
    if given in names:
        return given
    matching = tuple(name for name in names if name.startswith(given))
    if len(given) < least_characters or not matching:
        raise NotOneError(given, names)
    if len(matching) > 1:
        raise NotOneError(given, names, matching)
    return matching[0]
