"""Whether a report may quote the machine: what a healthy run answers with no, and then is not redacted."""

import re

import msgspec

from iwx_agent.model import Report, Status

# What secrets and addresses stand in, or look like. Much else does, too: in doubt the redactor is asked.
_IN_DOUBT = re.compile(
    r"[=@$%&\\]|://|-----|pass|pwd?|key|secret|token|cred|licen|sess|auth|cookie|login|salt|hash"
    r"|[A-Za-z0-9+/_-]{32}|[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|[0-9a-f]:[0-9a-f:]",
    re.IGNORECASE,
)


def quotes(report: Report) -> bool:
    """Return whether a report may hold more of the machine than names, versions and where it was looked.

    Only then it has to be redacted: when anything was found or is not clear, a person said something, or a
    reason looks as if there were more in it than the agent's own words.
    """
    way, verdict, environment = report.remote_assistance, report.verdict, report.environment
    clear = all(result.status in (Status.OK, Status.NOT_APPLICABLE) for result in report.results)
    if not clear or report.incidents or any(result.findings for result in report.results):
        return True
    if report.note or report.changes or report.impact:
        return True
    if verdict.reasons or verdict.override or verdict.provider or way.reason or way.obstacles or way.doubts:
        return True
    host = report.host
    told = [host.name, host.fqdn, host.fqdn_source, host.panel_version, host.panel_home, way.source]
    if environment is not None:
        told.append(str(msgspec.to_builtins(environment)))
    return any(_IN_DOUBT.search(text) for text in (*told, *(result.reason for result in report.results)))
