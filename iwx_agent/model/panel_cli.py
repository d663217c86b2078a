"""What the panel's command line said to one question: rows of named or numbered columns."""

from typing import Literal

from msgspec import Struct

from iwx_agent.model.core import Evidence


class PanelRow(Struct, frozen=True, kw_only=True):
    """One row of an answer: (column, value) in order. Columns of plain text are called "1", "2", "3"."""

    columns: tuple[tuple[str, str], ...]

    def get(self, *names: str) -> str:
        """Return the value of the first of ``names`` (any case) that the row has and that is not empty."""
        known = {name.lower(): value for name, value in self.columns}
        return next((known[name.lower()] for name in names if known.get(name.lower())), "")

    @property
    def text(self) -> str:
        """Return all values on one line, as evidence quotes them."""
        return " | ".join(value for _, value in self.columns if value)

    @property
    def words(self) -> str:
        """Return all values as running text, as patterns look at them."""
        return " ".join(value for _, value in self.columns if value)


class PanelAnswer(Struct, frozen=True, kw_only=True):
    """The rows of one answer; none means that the panel said that there is nothing.

    ``named`` tells whether the columns have the panel's own names (JSON, or ``name: value`` lines), ``plain``
    that plain columns were asked for, since JSON was refused.
    """

    rows: tuple[PanelRow, ...]
    named: bool
    plain: bool = False
    source: str  # the command with its exit code
    seen_at: float

    @property
    def silent(self) -> bool:
        """Return whether it said nothing where an empty list would be ``[]``: that is no answer."""
        return not self.rows and not self.named and not self.plain

    def evidence(self, row: PanelRow) -> Evidence:
        """Quote one row with where it stands."""
        return Evidence(source=self.source, text=row.text)


class HealthRow(Struct, frozen=True, kw_only=True):
    """One row of the panel's health list: what it is about, and whether the panel thinks that it is well."""

    name: str
    state: Literal["well", "bad", "not_applicable"]
    words: str


class HealthList(Struct, frozen=True, kw_only=True):
    """The panel's health list; ``source`` is the command with its exit code."""

    rows: tuple[HealthRow, ...]
    source: str

    @property
    def bad(self) -> tuple[HealthRow, ...]:
        """Return the rows that the panel calls bad."""
        return tuple(row for row in self.rows if row.state == "bad")
