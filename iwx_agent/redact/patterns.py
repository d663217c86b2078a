"""Secrets by their own form, wherever they stand: tokens, keys, hashes, blocks."""

import re

from iwx_agent.redact.escapes import decoded
from iwx_agent.redact.page import Hit, Page, whole_lines
from iwx_agent.redact.rule import Rule, hide
from iwx_agent.redact.values import hide_word

_AWS = "AKIA"
_GITHUB = "ghp"
_DASHES = "-----"

BEARER = Rule(
    id="bearer",
    kind="pattern",
    label="token",
    reason="a token after the word Bearer",
    example="curl: (22) sent 'Bearer not-a-real-secret-11' and got 401",
    hides="not-a-real-secret-11",
    counterexample="WWW-Authenticate: Bearer realm=www.example.com",
    patterns=(re.compile(r"bearer[ \t]{1,4}(?=[a-z._~/-]{0,200}[0-9])([a-z0-9._~+/-]{16,}+={0,2})"),),
    judge=hide_word,
)


def _basic(page: Page, found: re.Match[str]) -> Hit | None:
    told = decoded(page.text[found.start(1) : found.end(1)])
    return hide(page, *found.span(1)) if ":" in told else None


BASIC = Rule(
    id="basic",
    kind="pattern",
    label="password",
    reason="user:password in base64 after the word Basic",
    example="upstream sent 'Basic dTpub3QtYS1yZWFsLTEy' to us",
    hides="dTpub3QtYS1yZWFsLTEy",
    counterexample="AH01617: Basic authentication failed for user bob",
    patterns=(re.compile(r"basic[ \t]{1,4}([a-z0-9+/]{8,}+={0,2})"),),
    judge=_basic,
)

JWT = Rule(
    id="jwt",
    kind="pattern",
    label="token",
    reason="a JSON web token, also one that was cut off",
    example="session opened with eyJhbGciOiJub25lIn0.eyJzdWIiOiJub3QtYS1yZWFsIn0.c2lnbmF0dXJl",
    hides="eyJzdWIiOiJub3QtYS1yZWFsIn0",
    counterexample="loaded module eyJ.so from /usr/lib64",
    sees="text",
    patterns=(re.compile(r"eyJ(?<![A-Za-z0-9_-]eyJ)[A-Za-z0-9_-]{12,}+(?:\.[A-Za-z0-9_-]*+){0,4}"),),
    judge=hide_word,
)

AWS = Rule(
    id="aws-key",
    kind="pattern",
    label="key",
    reason="the id of an AWS key",
    example=f"s3 backup as {_AWS}NOTAREALSECRET13 failed",
    hides=f"{_AWS}NOTAREALSECRET13",
    counterexample="s3 backup to AKIAK bucket failed",
    sees="text",
    patterns=tuple(
        re.compile(f"{start}(?<![A-Z0-9]{start})[A-Z0-9]{{16}}(?![A-Z0-9])") for start in ("AKIA", "ASIA")
    ),
    judge=hide_word,
)

SERVICE = Rule(
    id="service-token",
    kind="pattern",
    label="token",
    reason="tokens with a known beginning: GitHub, GitLab, Slack, Stripe, Google",
    example=f"git clone failed for {_GITHUB}_NotARealSecret14NotARealSecret14Not",
    hides="NotARealSecret14NotARealSecret14Not",
    counterexample="glpat.so: high (ghp_1)",
    sees="text",
    patterns=(
        re.compile(r"gh(?<![A-Za-z0-9_]gh)(?:[pousr]_[A-Za-z0-9]{20,}+)"),
        re.compile(r"github_pat_[A-Za-z0-9_]{20,}+"),
        re.compile(r"glpat-[A-Za-z0-9_-]{16,}+"),
        re.compile(r"xox[abeoprs]-[A-Za-z0-9-]{10,}+"),
        re.compile(r"_live_(?<=[rs]k_live_)[A-Za-z0-9]{12,}+"),
        re.compile(r"AIza[A-Za-z0-9_-]{30,}+"),
    ),
    judge=hide_word,
)

_CRYPT = r"(?:1|2[abxy]?|5|6|7|y|gy|apr1|sha1|argon2(?:id|i|d)|P|H|md5)"
HASH = Rule(
    id="password-hash",
    kind="pattern",
    label="hash",
    reason="what crypt, dovecot, WordPress and MySQL keep in place of a password",
    example="bob:$6$NotARealSalt15$NotARealHash15NotARealHash15:20000:0:99999:7:::",
    hides="NotARealHash15NotARealHash15",
    counterexample="RewriteRule ^(.*)$ /index.php?x=$1&y=$2 [L]",
    sees="text",
    patterns=(
        re.compile(rf"\${_CRYPT}\$(?!(?:ip|mail)-)[./A-Za-z0-9$=,+-]{{8,}}+"),
        re.compile(
            r"\{(?i:s?sha(?:256|512)?|sha(?:256|512)-crypt|crypt|s?md5|md5-crypt|pbkdf2|argon2i|argon2id|blf-crypt|"
            r"cram-md5|plain|plain-md5|cleartext)(?:\.b64|\.hex)?\}([^\s\"']{4,}+)"
        ),
        re.compile(r"\*[0-9A-F]{40}(?![0-9A-F])"),
    ),
    judge=hide_word,
)

# Blocks between BEGIN and END

_BLOCK_CHARACTERS = 20_000  # a key of 16384 bits is shorter
_BODY_LINES_COUNT = 400
_BODY = re.compile(
    r"[ \t>|\"']{0,8}(?:[A-Za-z0-9+/=]{0,200}|[A-Z][A-Za-z-]{1,20}: .{0,200}|\[hidden:[a-z0-9-]{1,40}\]"
    r"|[^\n]{0,200}[ \t>|:\"'][A-Za-z0-9+/=]{40,200})[\"'\\n,]{0,8}(?:</[a-z]{1,10}>)?\s*"
)


def _block(kinds: str) -> re.Pattern[str]:
    return re.compile(rf"-----(begin|end) (?:[a-z0-9]{{1,16}}+ ){{0,4}}?(?:{kinds}) key(?: block)?-----")


def _key(page: Page, found: re.Match[str]) -> Hit | None:
    """Hide what stands between BEGIN and END, or looks as if it did where one of them is cut off."""
    begins, name = found[1] == "begin", found.group()
    if begins:
        closed = page.lowered.find(
            name.replace("begin", "end", 1), found.end(), found.end() + _BLOCK_CHARACTERS
        )
        return hide(page, found.end(), closed if closed >= 0 else _body_end(page, found.end()))
    opened = name.replace("end", "begin", 1)
    if page.lowered.rfind(opened, max(0, found.start() - _BLOCK_CHARACTERS), found.start()) >= 0:
        return None
    return hide(page, _body_start(page, found.start()), found.start())


def _body_end(page: Page, at: int) -> int:
    """Return where the lines end that look like the body of a block; the rest of the first line is one."""
    end = page.line_end(at)
    for first, last in whole_lines(page, end + 1, _BODY_LINES_COUNT):
        if not _BODY.fullmatch(page.text, first, last):
            break
        end = last
    return end


def _body_start(page: Page, at: int) -> int:
    """Return where the lines begin that look like the body of the block that ends at a position."""
    for _ in range(_BODY_LINES_COUNT):
        first = page.text.rfind("\n", max(0, at - 400), max(0, at - 1)) + 1
        if (first == 0 and at > 400) or not _BODY.fullmatch(page.text, first, at):
            break
        at = first
        if at == 0:
            break
    return at


PRIVATE_KEY = Rule(
    id="private-key",
    kind="pattern",
    label="private-key",
    reason="a private key in PEM form, also one without its beginning or its end",
    example=f"{_DASHES}BEGIN RSA PRIVATE KEY{_DASHES}\nMIIEnotARealSecret16notARealSecret16\n",
    hides="MIIEnotARealSecret16",
    counterexample=f"{_DASHES}BEGIN CERTIFICATE{_DASHES}\nMIIDnotASecret\n{_DASHES}END CERTIFICATE{_DASHES}",
    patterns=(_block("private|secret"),),
    judge=_key,
)

API_KEY = Rule(
    id="interworx-api-key",
    kind="pattern",
    label="api-key",
    reason="an API key of NodeWorx or SiteWorx",
    example=f"{_DASHES}BEGIN INTERWORX API KEY{_DASHES}\nMXxnotARealSecret17\n",
    hides="MXxnotARealSecret17",
    counterexample="the INTERWORX API KEY of NodeWorx is not set",
    patterns=(_block("api"),),
    judge=_key,
)

PATTERNS = (BEARER, BASIC, JWT, PRIVATE_KEY, API_KEY, AWS, SERVICE, HASH)
