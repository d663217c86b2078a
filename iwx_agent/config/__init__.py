"""TOML to frozen values. An unknown key is an error with path, line, key and what was expected."""

from iwx_agent.config.causes import load_causes
from iwx_agent.config.layout import load_layout
from iwx_agent.config.pages import load_page
from iwx_agent.config.portal_form import load_portal_form
from iwx_agent.config.settings import Identity, Settings, load_settings, wrong_setting
from iwx_agent.config.signatures import load_signatures
from iwx_agent.config.support import check_policy, load_policy, load_provider, load_zone
from iwx_agent.config.toml_file import ConfigError, nearest

__all__ = [
    "ConfigError",
    "Identity",
    "Settings",
    "check_policy",
    "load_causes",
    "load_layout",
    "load_page",
    "load_policy",
    "load_portal_form",
    "load_provider",
    "load_settings",
    "load_signatures",
    "load_zone",
    "nearest",
    "wrong_setting",
]
