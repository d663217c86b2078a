"""How the portal words its form: the package's words, and an administrator's own."""

from pathlib import Path

import msgspec
from msgspec import Struct

from iwx_agent.config import toml_file
from iwx_agent.config.toml_file import ConfigError, drop_ins, line_of, nearest, placed, read_toml
from iwx_agent.model.portal_form import NEEDED, PortalForm, Synonym, known_meaning, meanings

_WORD_CHARACTERS = 200
_SYNONYMS_COUNT = 400


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file: words that are added, words that no longer count, fields that a ticket can do without."""

    synonym: tuple[Synonym, ...] = ()
    drop: tuple[str, ...] = ()
    not_needed: tuple[str, ...] = ()


def load_portal_form(etc: Path | None = None) -> PortalForm:
    """Return the words of the portal's form: the package's, then those of ``portal-form.d``.

    Raises:
        ConfigError: for an entry that cannot be used.
    """
    synonyms = _file(toml_file.DATA / "portal-form.toml").synonym
    needed = set(NEEDED)
    for path in drop_ins((etc or toml_file.ETC) / "portal-form.d"):
        own = _file(path, guarded=True)
        synonyms = _without(synonyms, own.drop, path) + own.synonym
        for name in own.not_needed:
            if name not in NEEDED:
                why = f"no field of the ticket is called {name}{nearest(name, set(NEEDED))}"
                raise ConfigError(str(path), "not_needed", why, line_of(path, "not_needed"))
            needed.discard(name)
        if len(synonyms) > _SYNONYMS_COUNT:
            raise ConfigError(str(path), "synonym", f"expected at most {_SYNONYMS_COUNT} entries in all")
    return PortalForm(synonyms=synonyms, needed=frozenset(needed))


def _without(synonyms: tuple[Synonym, ...], drop: tuple[str, ...], path: Path) -> tuple[Synonym, ...]:
    known = {word for entry in synonyms for word in entry.words}
    for word in drop:
        if word not in known:
            why = f"no entry has the words {word}{nearest(word, known)}"
            raise ConfigError(str(path), "drop", why, line_of(path, "drop"))
    kept = (tuple(word for word in entry.words if word not in drop) for entry in synonyms)
    return tuple(
        msgspec.structs.replace(entry, words=words)
        for entry, words in zip(synonyms, kept, strict=True)
        if words
    )


def _file(path: Path, *, guarded: bool = False) -> _File:
    try:
        told = msgspec.convert(read_toml(path, guarded=guarded) or {}, _File)
    except msgspec.ValidationError as error:
        raise placed(path, "", error, _File, Synonym) from None
    for index, entry in enumerate(told.synonym):
        if fault := _fault_of(entry):
            place = f"synonym[{index}].{fault[0]}"
            raise ConfigError(str(path), place, fault[1], line_of(path, place))
    return told


def _fault_of(entry: Synonym) -> tuple[str, str] | None:
    if not known_meaning(entry.meaning):
        return "meaning", f"nothing is called {entry.meaning}{nearest(entry.meaning, set(meanings()))}"
    if not entry.words or not all(0 < len(word.strip()) <= _WORD_CHARACTERS for word in entry.words):
        return "words", f"expected words of 1 to {_WORD_CHARACTERS} characters"
    return None
