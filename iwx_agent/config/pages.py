"""The pages of the checks, as they are installed."""

from iwx_agent.config.toml_file import DATA, ConfigError


def load_page(check_id: str) -> str:
    """Return the page of a check in Markdown, from the installed package or from the source tree beside it.

    Raises:
        ConfigError: when the installation is damaged.
    """
    places = (DATA / "pages", DATA.parent.parent / "docs" / "reference" / "checks")
    for place in places:
        try:
            return (place / f"{check_id}.md").read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
    raise ConfigError(
        str(places[0] / f"{check_id}.md"), "", "the page is missing: the installation is damaged"
    )
