"""Measure the redactor on logs as a server writes them, and on text made to hurt.

Needs nothing but the source tree. Example: .venv/bin/python bench/redaction.py
``bench/run.py`` makes this part of ``bench/RESULTS.md``; seconds are of this machine, ratios hold.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from measured import table  # noqa: E402

from iwx_agent.redact import Canaries, Redactor, Tokens, rules  # noqa: E402

LINES_COUNT = 60_000
SECRETS_COUNT = 16  # as many as the panel's settings, my.cnf and the name service hold
LIMIT_MB_PER_S = 20.0
LINEAR_LIMIT = 3.0  # twice the text may take three times as long: machines hesitate
HIT = " password=not-a-real-secret-{}"
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0"


def httpd(number: int) -> str:
    return (
        f"203.0.113.{number % 250} - - [23/Nov/2026:19:{number // 60 % 60:02d}:{number % 60:02d} +0000] "
        f'"GET /wp-content/themes/x/style.css?ver={number} HTTP/1.1" 200 {number * 7 % 9999} '
        f'"https://www.example.com/shop/item-{number}" "{BROWSER}"'
    )


def send(number: int) -> str:
    said = (
        f"starting delivery {number}: msg {number * 3} to remote user{number % 300}@remote1.invalid",
        "status: local 0/10 remote 1/20",
        f"delivery {number}: deferral: Sorry,_I_wasn't_able_to_establish_an_SMTP_connection._(#4.4.1)/",
    )
    return f"@400000006b0462ba1eec8ac4 {said[number % 3]}"


def journal(number: int) -> str:
    said = (
        f"sshd[{number}]: Failed password for invalid user bob from 198.51.100.{number % 200} port 40000",
        f"systemd[1]: Started Session {number} of User root.",
        f"CROND[{number}]: (iworx) CMD (cd /home/interworx/cron ; ./iworx.pex --fively)",
    )
    return f"Nov 23 19:{number // 60 % 60:02d}:{number % 60:02d} web1 {said[number % 3]}"


def dnf(number: int) -> str:
    return (
        "2026-11-23T19:52:42+0000 DEBUG Installed: kernel-5.14.0-427.13.1.el9_4.x86_64",
        f"2026-11-23T15:33:01+0000 DDEBUG timer: sack setup: {number} ms",
        "2026-11-23T15:33:01+0000 DEBUG base: using metadata from Mon Nov 23 15:33:00 2026.",
    )[number % 3]


LOGS: dict[str, Callable[[int], str]] = {
    "httpd access log": httpd,
    "qmail-send log": send,
    "journal": journal,
    "dnf.log": dnf,
}

# The worst that was found by trying the beginning of each pattern with each kind of what may follow.
HOSTILE = (
    "PASS %22",
    "LOGIN %22",
    "mysql -p",
    "AAAAAAAAAAAAAAAA=/etc/",
    "://:",
    "MIIEabcdefabcdef\n",
    "curl ",
    "::",
    "dsn=",
)


def seconds(run: Callable[[], object], times: int = 3) -> float:
    """Return the least CPU time of some runs."""
    least = float("inf")
    for _ in range(times):
        began = time.process_time()
        run()
        least = min(least, time.process_time() - began)
    return least


def fresh() -> Redactor:
    return Redactor(rules(), Canaries(()), Tokens(b"not-a-real-key-of-a-benchmark"))


def speed() -> Iterator[list[str]]:
    secrets = Canaries(
        (f"place {number}", f"n0t-a-Real-{number:02d}-s3cret") for number in range(SECRETS_COUNT)
    )
    for name, line in LOGS.items():
        for hits in (False, True):
            lines = [
                line(number) + (HIT.format(number) if hits and number % 100 == 0 else "")
                for number in range(LINES_COUNT)
            ]
            text = "\n".join(lines)
            data = text.encode()
            megabytes = len(data) / 1e6
            rules_s = seconds(lambda text=text: fresh().redact_text(text, "a log"))  # type: ignore[misc]
            canaries_s = seconds(lambda data=data: secrets.check(data))  # type: ignore[misc]
            reached = megabytes / rules_s
            yield [
                f"{name}, a secret in 1 of 100 lines" if hits else name,
                f"{megabytes:.1f} MB",
                f"{reached:.0f} MB/s",
                f"at least {LIMIT_MB_PER_S:.0f}: {'yes' if reached >= LIMIT_MB_PER_S else '**no**'}",
                f"{megabytes / canaries_s:.0f} MB/s",
                f"{megabytes / (rules_s + canaries_s):.0f} MB/s",
            ]


def redacting_s(text: str) -> float:
    return seconds(lambda: fresh().redact_text(text, "x"), times=2)


def hostile() -> Iterator[list[str]]:
    for unit in HOSTILE:
        once, twice = (redacting_s(unit * (size // len(unit))) for size in (200_000, 400_000))
        ratio = twice / once
        fine = ratio <= LINEAR_LIMIT
        yield [
            f"`{unit!r}` again and again",
            f"{once:.2f} s",
            f"{twice:.2f} s",
            f"{ratio:.1f}",
            f"at most {LINEAR_LIMIT:g}: {'yes' if fine else '**no**'}",
        ]


def redaction() -> Iterator[str]:
    """Yield the section of the results."""
    yield "\n## Redaction\n"
    yield (
        f"All rules with tokens for addresses, and {SECRETS_COUNT} canaries, on one core; each log has\n"
        f"{LINES_COUNT:,} lines as a server writes them.\n"
    )
    yield table(["log", "size", "rules", "limit", "canaries", "both"], list(speed()))
    yield "\nText made to hurt, 200 kB and 400 kB of it: the time has to grow with the length.\n"
    yield table(["text", "200 kB", "400 kB", "times", "limit"], list(hostile()))


if __name__ == "__main__":
    told = "\n".join(redaction()) + "\n"
    sys.stdout.write(told)
    sys.exit(1 if "**no**" in told else 0)
