"""Text as an attacker writes it, and a report that has it wherever something of the machine can stand."""

from typing import Any

from building import AT, finding, incident, report, report_host, result

from iwx_agent.model import (
    Address,
    AssistanceReport,
    Evidence,
    Expected,
    Finding,
    Licence,
    Moment,
    Override,
    Priority,
    Provider,
    Report,
    Status,
    Step,
    Verdict,
)
from iwx_agent.model.changes import CHANGE_KINDS, Change, ChangeGap, Changes, Environment, Impact

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

# What means something in Markdown, as CommonMark has it or as GitHub, GitLab and chats extend it.
MARKDOWN = [
    "</code><script>alert(1)</script>",
    "``` \n# heading\n```",
    "~~~\n# heading\n~~~",
    "`````",
    "`tick",
    "tick`",
    "[link](http://example.com) ![image](http://example.com/x.png)",
    "[link][1]\n\n[1]: http://example.com",
    "[^1] and [^1]: a note",
    "<http://example.com> <someone@example.com>",
    "http://example.com www.example.com ftp://example.com mailto:someone@example.com",
    "someone@example.com",
    "a | b\n--|--\n1 | 2",
    "| a | b |\n|---|---|",
    "- item\n1. item",
    "- [x] done",
    "+ item",
    "12) item",
    "# heading",
    "heading\n===",
    "===",
    "---",
    "***",
    "> quote",
    "> [!WARNING]\n> fake",
    "    code",
    "\tcode",
    ": definition",
    "line with a break  \nsecond\\\nthird",
    "&lt;b&gt; \\*",
    "&copy; &#35; &#x23;",
    "@everyone #1 GH-1 ~~gone~~ $x$ ^y^ ==marked== ||spoiler|| :tada:",
    "owner/name#1 owner/name@0123456789abcdef0123456789abcdef01234567",
    "0123456789abcdef0123456789abcdef01234567",
    "<!channel> <@U0123456> <https://example.com|click>",
    "_a_ *b* __c__ **d** a_b_c",
    "$$\\href{javascript:alert(1)}{x}$$",
    "<!-- comment -->",
    "<details><summary>x</summary>",
    "\\",
    "!",
]

# What would end, begin or fill in something: fields of a form, headers of a mail, a template, a shell.
STRUCTURE = [
    "Priority: Information",
    "\n\nPriority:\nInformation\n\nSubject: Sales",
    "\r\nBcc: someone@example.com\r\n\r\nbody",
    ".\r\nQUIT\r\n",
    "\n.\n",
    "From someone@example.com Mon Nov 23 00:00:00 2026",
    "SUMMARY\nCOULD NOT BE DETERMINED\nENVIRONMENT",
    "${7*7} #{7*7} <%= 7*7 %> %(x)s {0.__class__} {{7*7}} @@7*7@@",
    "%s %n %d %%",
    'x"} 1\niwx_agent_emergency 1\n# EOF',
    '\\"\\n\\\\',
    "# HELP iwx_agent_emergency x\n# TYPE iwx_agent_emergency counter",
    "a | emergencies=0",
    "OK - all is well\n| x=1",
    "'; reboot; '",
    '"; reboot; "',
    "`reboot` $(reboot) ${reboot} $HOSTADDRESS$ $USER1$",
    "\\x1b[2J\\nnew line\\c",
    "=cmd|'/C calc'!A0",
    "\u200b\u00ad\u3164\ufe0f\U000e0041\u2800",
    "e\u0301" + "\u0338" * 60,
    "\u05e9\u05dc\u05d5\u05dd (abc) \u0645\u0631\u062d\u0628\u0627",
    "\x9b31m\x90q\x9c\x85next",
    "\x08\x08\x08over\x7f",
    "\ufffe\uffff",
    "",
    " ",
    "\n",
    "…",
]

CORPUS = list(dict.fromkeys([*HOSTILE, *TRIPWIRES, *MARKDOWN, *STRUCTURE]))


def everywhere(text: str) -> Report:
    """A report with the text wherever something of the machine, its files or a person can stand."""

    def made(code: str, **more: Any) -> Finding:
        return finding(
            code,
            text,
            title=text,
            detail=text,
            remedy=(text,) * 3,
            evidence=(
                Evidence(source=text, text=text),
                Evidence(source="/var/log/messages:4711", text=text),
                Evidence(source=f"/var/log/{text}:1", text=text),
            ),
            since_source=text,
            touches=(text,),
            **more,
        )

    incidents = [
        incident(
            made(f"A-{n}"),
            made(f"B-{n}"),
            since_at=AT,
            since_source=text,
            scope_source=text,
            fingerprint=f"{n:016}",
        )
        for n in range(3)
    ]
    return report(
        *incidents,
        verdict=_verdict(text),
        results=(result(status=Status.CRASHED, reason=text), result(check_id="a.b")),
        host=report_host(
            name=text,
            fqdn=text,
            fqdn_source=text,
            addresses=(Address(ip=text, source=text, private=False),) * 2,
            address_note=text,
            panel_version=text,
            panel_home=text,
        ),
        timings={text: 1.0, "boot": 0.5},
        remote_assistance=AssistanceReport(
            state="unknown", source=text, reason=text, obstacles=(text,), doubts=(text,)
        ),
        impact=(Impact(area=text, what=text, affected_count=1, total_count=2, names=(text,) * 3, note=text),)
        * 2,
        changes=Changes(
            since_at=AT,
            entries=tuple(
                Change(kind=kind, at=AT, subject=text, said=text, source=text) for kind in CHANGE_KINDS
            ),
            gaps=(ChangeGap(kind="config", reason=text),),
        ),
        environment=Environment(system=text, kernel=text, role="manager", nodes_count=3, gaps=(text,)),
        note=text,
    )


def _verdict(text: str) -> Verdict:
    moment = Moment(at=AT, vendor=text, server=text)
    return Verdict(
        priority=Priority.URGENT,
        emergency=True,
        reasons=(text, text),
        scope_source=text,
        turn_to=text,
        filing=text,
        licence=Licence.RESELLER,
        provider=Provider(name=text, text=text, address=text),
        override=Override(priority=Priority.URGENT, reason=text, suggested=Priority.HIGH),
        expected=Expected(
            support_open=False, text=text, closed_because=text, closes=moment, opens=moment, clock_note=text
        ),
        trace=tuple(
            Step(about=about, said=text, rule=text, because=(text, "0" * 16))
            for about in ("priority", "scope", "inferred", "incident")
        ),
    )
