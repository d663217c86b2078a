"""The redactor of a run."""

import os

from iwx_agent.app.support import Known
from iwx_agent.host import Host
from iwx_agent.model import Report
from iwx_agent.redact import Canaries, Redactor, Tokens, rules


def redactor_for(host: Host, known: Known, report: Report) -> Redactor:  # noqa: ARG001
    """Return the redactor for what leaves of a report and its capture."""
    kept = frozenset(address.ip for address in report.host.addresses)
    files = known.layout.everything("secret_file")
    return Redactor(rules(files), Canaries(()), Tokens(os.urandom(32), kept=kept))
