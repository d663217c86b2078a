"""The map of causes and consequences: which finding explains which others, and through what."""

from msgspec import Struct

from iwx_agent.model.core import Finding


class Cause(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A finding with ``code`` explains findings with the codes in ``explains``.

    With ``touches`` it does so only when the finding itself says that it reaches that area: a full file
    system explains a stuck queue only when the queue lies on it. With ``same_subject`` it explains findings
    about the same thing only: one file system that hangs is no word on another. ``why`` is the sentence for
    the report.
    """

    code: str
    explains: tuple[str, ...]
    why: str
    touches: str = ""
    same_subject: bool = False

    def covers(self, cause: Finding, effect: Finding) -> bool:
        """Return whether this entry makes ``cause`` explain ``effect``."""
        return (
            cause.code == self.code
            and effect.code in self.explains
            and (not self.touches or self.touches in cause.touches)
            and (not self.same_subject or cause.subject == effect.subject)
            and (cause.code, cause.subject) != (effect.code, effect.subject)
        )
