"""A person's edits of a base's answer: fields set, text replaced, entries dropped and added."""

from typing import Any

import msgspec


def edited(plain: dict[str, Any], edits: dict[str, Any]) -> dict[str, Any]:
    """Return the plain answer with the edits ``set``, ``replace``, ``drop`` and ``add``, in that order.

    Raises:
        ValueError: for an edit that changes nothing or does not fit; none is passed over in silence.
    """
    plain = plain | msgspec.convert(edits.get("set", {}), dict[str, Any])
    replacements = msgspec.convert(edits.get("replace", {}), dict[str, list[tuple[str, str]]])
    for field, pairs in replacements.items():
        for old, new in pairs:
            plain[field] = _replaced(plain.get(field), field, old, new)
    if ("drop" in edits or "add" in edits) and not isinstance(plain.get("entries"), (list, tuple)):
        raise ValueError("drop and add need an answer with entries")
    for key, values in msgspec.convert(edits.get("drop", {}), dict[str, list[Any]]).items():
        kept = [
            entry for entry in plain["entries"] if not isinstance(entry, dict) or entry.get(key) not in values
        ]
        if len(kept) == len(plain["entries"]):
            raise ValueError(f"drop: no entry has {key} in {values!r}")
        plain["entries"] = kept
    if "add" in edits:
        plain["entries"] = [*plain["entries"], *msgspec.convert(edits["add"], list[dict[str, Any]])]
    return plain


def _replaced(text: object, field: str, old: str, new: str) -> str:
    if not isinstance(text, str) or not old or text.count(old) != 1:
        raise ValueError(
            f"replace: {old[:200]!r} does not stand exactly once in {field} of the base's answer"
        )
    return text.replace(old, new)
