"""What is looked for in the panel's words: the package's signatures, and an administrator's own."""

from pathlib import Path

import msgspec
from msgspec import Struct

from iwx_agent.config import toml_file
from iwx_agent.config.toml_file import ConfigError, drop_ins, line_of, nearest, placed, read_toml
from iwx_agent.model.signatures import Signature, Signatures, SourceGroup
from iwx_agent.parsers.signs import fault_of

_SIGNATURES_COUNT = 200


class _SignatureFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of signatures; ``group`` is the package's alone."""

    signature: tuple[Signature, ...] = ()
    disable: tuple[str, ...] = ()
    group: tuple[SourceGroup, ...] = ()


def load_signatures(etc: Path | None = None) -> Signatures:
    """Return what is looked for in the panel's words: the package's entries, then those of ``signatures.d``.

    Raises:
        ConfigError: for an entry that cannot be used; a pattern that could hold the agent up is one.
    """
    shipped = _signature_file(toml_file.DATA / "signatures.toml", own=True)
    entries = {entry.id: entry for entry in shipped.signature}
    for path in drop_ins((etc or toml_file.ETC) / "signatures.d"):
        added = _signature_file(path)
        if added.group:
            raise ConfigError(str(path), "group", "the groups are the package's", line_of(path, "group"))
        entries |= {entry.id: entry for entry in added.signature}
        for name in added.disable:
            if name not in entries:
                why = f"no signature is called {name}{nearest(name, set(entries))}"
                raise ConfigError(str(path), "disable", why, line_of(path, "disable"))
            del entries[name]
        if len(entries) > _SIGNATURES_COUNT:
            why = f"expected at most {_SIGNATURES_COUNT} signatures in all, got {len(entries)}"
            raise ConfigError(str(path), "signature", why)
    return Signatures(entries=tuple(entries.values()), groups=shipped.group)


def _signature_file(path: Path, *, own: bool = False) -> _SignatureFile:
    """Return one file's entries; the package's ``own`` are judged by the tests, not in each run."""
    try:
        told = msgspec.convert(read_toml(path, guarded=not own) or {}, _SignatureFile)
    except msgspec.ValidationError as error:
        raise placed(path, "", error, _SignatureFile, Signature, SourceGroup) from None
    if own:
        return told
    names = [entry.id for entry in told.signature]
    for index, entry in enumerate(told.signature):
        twice = ("id", f"{entry.id} stands twice in this file") if entry.id in names[:index] else None
        if fault := twice or fault_of(entry):
            place = f"signature[{index}].{fault[0]}"
            raise ConfigError(str(path), place, fault[1], line_of(path, place))
    return told
