"""The package's map of causes and consequences."""

import msgspec

from iwx_agent.config import toml_file
from iwx_agent.config.toml_file import placed, read_toml
from iwx_agent.model import Cause


def load_causes() -> tuple[Cause, ...]:
    """Return the package's map of causes and consequences, the strongest cause first."""
    path = toml_file.DATA / "causes.toml"
    try:
        return msgspec.convert((read_toml(path) or {}).get("cause", []), tuple[Cause, ...])
    except msgspec.ValidationError as error:
        raise placed(path, "cause", error, Cause) from None
