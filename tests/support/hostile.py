"""Text as an attacker writes it, and a report that has it wherever something of the machine can stand."""

from typing import Any

from building import AT, finding, incident, report, report_host, result

from iwx_agent.model import Address, Evidence, Finding, Priority, Report, Status, Verdict

HOSTILE = [
    "\x1b[2J\x1b]0;owned\x07",
    "one\r\nPriority: Information\r\nCategory: Sales",
    "one\u2028Priority: Low",
    "safe\u202egnp.exe\u2066",
    "nul\x00nul",
    "half\ud800pair",
    b"\xff\xfe not utf-8".decode("utf-8", "replace"),
    "[bold red]markup[/bold red] :skull: {{ jinja }} <b>html</b>",
    "[link=https://example.com]x[/link]",
    "x" * 10_000_000,
]


# What would do something in a browser, if it got there as markup: each calls what a test has laid out for it.
TRIPWIRES = [
    "<script>tripped()</script>",
    "</textarea></pre><script>tripped()</script>",
    "</title></style></script><script>tripped()</script>",
    "--><img src=x onerror=tripped()>",
    "\"'><svg onload=tripped()><a href=javascript:tripped()>x</a>",
    "' autofocus onfocus=tripped() x='",
    "<iframe srcdoc='<script>parent.tripped()</script>'></iframe>",
    "<img src=https://tripwire.invalid/x.png><link rel=stylesheet href=//tripwire.invalid/x.css>",
    "<meta http-equiv=refresh content='0;url=https://tripwire.invalid/'><base href=https://tripwire.invalid/>",
    "<form action=https://tripwire.invalid/><input name=Priority></form>",
    "{{ tripped() }}{% raw %}{# #}{{ 7 * 7 }}",
    "\n\nbegins with lines",
    "&lt;b&gt; &amp;#60; &#x3c;script&#x3e;",
]


def everywhere(text: str) -> Report:
    """A report with the text wherever something of the machine can stand."""

    def made(code: str, **more: Any) -> Finding:
        return finding(
            code,
            text,
            title=text,
            detail=text,
            remedy=(text,) * 3,
            evidence=(Evidence(source=text, text=text),) * 3,
            since_source=text,
            **more,
        )

    incidents = [incident(made(f"A-{n}"), made(f"B-{n}"), since_at=AT, since_source=text) for n in range(3)]
    return report(
        *incidents,
        verdict=Verdict(priority=Priority.URGENT, emergency=True, reasons=(text, text)),
        results=(result(status=Status.CRASHED, reason=text), result(check_id="a.b")),
        host=report_host(
            name=text,
            fqdn=text,
            fqdn_source=text,
            addresses=(Address(ip=text, source=text, private=False),),
            address_note=text,
            panel_version=text,
            panel_home=text,
        ),
    )
