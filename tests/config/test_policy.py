"""The policy and the provider: the guide as data, and an error with path, line and key for what is broken."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from building import finding
from msgspec.structs import replace

from iwx_agent import config
from iwx_agent.checks import ALL
from iwx_agent.config import ConfigError, check_policy, load_policy, load_provider, load_zone
from iwx_agent.model import EMERGENCIES, Check, Priority, Provider, Scope
from iwx_agent.model.support import Holiday, Hours, best_topic, faults_of

PACKAGED = config.toml_file.DATA / "support-policy.toml"
TEXT = PACKAGED.read_text()
Write = Callable[[str, str], Path]


@pytest.fixture
def write(etc: Path) -> Write:
    def write(name: str, text: str) -> Path:
        etc.mkdir(exist_ok=True)
        path = etc / name
        path.write_text(text)
        return path

    return write


# The package's own: what the guide says, word for word


def test_the_hours_are_the_guides() -> None:
    policy = load_policy()
    hours = Hours(opens=time(8), closes=time(16))
    assert policy.hours.days == (hours, hours, hours, hours, hours, None, None)
    assert policy.time_zone == "America/New_York"
    assert (policy.guide.version, policy.guide.title) == ("7.1", "InterWorx Direct Support Guide")
    assert len(policy.guide.notes) == 4


def test_the_six_holidays_are_the_guides() -> None:
    named = {h.name: h.between(date(2026, 1, 1), date(2026, 12, 31)) for h in load_policy().holiday}
    assert named == {
        "New Year's Day": (date(2026, 1, 1),),
        "Memorial Day": (date(2026, 5, 25),),
        "Fourth of July": (date(2026, 7, 4),),
        "Labor Day": (date(2026, 9, 7),),
        "Thanksgiving": (date(2026, 11, 26),),
        "Christmas": (date(2026, 12, 25),),
    }


def test_the_words_are_the_guides() -> None:
    policy = load_policy()
    assert [(p.name.value, p.words) for p in policy.priority] == [
        ("Information", "No immediate action required"),
        ("Low", "No rush"),
        ("Medium", "Issue is causing a disruption"),
        ("High", "Angry End Users or other serious issue"),
        ("Urgent", "Emergency situation/Services are down"),
    ]
    assert [topic.words for topic in policy.qualifies] == [
        "InterWorx Control Panel software and its related packages",
        *(
            "NodeWorx",
            "SiteWorx",
            "InterWorx-created Backups",
            "Imports and Migrations to InterWorx",
            "FTP",
            "DNS",
        ),
        *("Mail services", "Apache", "SSL certificates", "Webmail", "Clustering"),
    ]
    assert [topic.words for topic in policy.does_not_qualify] == [
        "Third party software or plugins, including Softaculous",
        *("System administrator tasks", "Server hardening", "Malware/virus scanning", "PCI scans"),
        *("Cleaning up spam", "System-level MySQL crashes", "DDOS attacks", "Hard drive crashes"),
        "Website code issues",
    ]
    assert [topic.words for topic in policy.emergency] == [
        *(
            "Email not processing",
            "Websites are down",
            "NodeWorx cannot be accessed",
            "InterWorx will not start",
        ),
        *("The server is in maintenance mode", "Failed upgrade step messages", "Yum failure messages"),
        "Stuck command queues on cluster nodes",
    ]
    assert tuple(topic.words for topic in policy.emergency) == EMERGENCIES
    after = policy.after_hours
    assert after.priorities == (Priority.HIGH, Priority.URGENT)
    assert (after.usual_answer_s, after.night_begins, after.night_ends) == (3600.0, time(0), time(8))


def test_it_has_no_fault() -> None:
    check_policy(load_policy(), PACKAGED)
    assert list(faults_of(load_policy())) == []


def test_the_codes_that_it_decides_are_codes_of_checks() -> None:
    policy = load_policy()
    raised = {code for check in ALL for code in check.codes}
    decided = {code for topic in (*policy.qualifies, *policy.does_not_qualify) for code in topic.codes}
    assert decided - raised == set()


@pytest.mark.parametrize("check", [check for check in ALL if check.guide], ids=lambda check: check.id)
def test_an_emergency_of_the_policy_is_the_one_that_the_check_looks_for(check: Check) -> None:
    words = {load_policy().emergency_of(finding(code)) for code in check.codes}
    assert words <= {EMERGENCIES[check.guide - 1], ""}


def test_the_vendors_zone_has_summer_time() -> None:
    zone = load_zone(load_policy())
    offsets = [datetime(2026, month, 1, tzinfo=zone).utcoffset() for month in (7, 12)]
    assert offsets == [timedelta(hours=-4), timedelta(hours=-5)]


# Topics


def test_the_line_that_names_a_code_goes_before_one_that_describes_it() -> None:
    policy = load_policy()
    topics = policy.does_not_qualify

    def words(code: str) -> str:
        topic = best_topic(topics, code)
        return topic.words if topic else ""

    assert words("SYSTEM-050") == "System-level MySQL crashes"
    assert words("SYSTEM-001") == "System administrator tasks"
    assert words("SYSTEM-055") == "System administrator tasks"
    assert words("WEB-011") == "Website code issues"
    assert words("MAIL-001") == ""
    assert policy.emergency_of(finding("PANEL-006")) == "NodeWorx cannot be accessed"
    assert policy.emergency_of(finding("PANEL-020")) == "InterWorx will not start"
    assert policy.emergency_of(finding("DNS-001")) == ""


# Replaced under /etc


def test_a_file_under_etc_replaces_it_whole(write: Write) -> None:
    own = (
        TEXT.replace('version = "7.1"', 'version = "9"')
        .replace("opens = 08:00:00", "opens = 09:30:00")
        .replace('time_zone = "America/New_York"', 'time_zone = "Europe/London"')
        .partition("# What qualifies for direct support")[0]
    )
    write(
        "support-policy.toml",
        own + '[[qualifies]]\nid = "x"\nwords = "All of MySQL"\ncodes = ["SYSTEM-050"]\n',
    )
    policy = load_policy()
    assert (policy.guide.version, policy.time_zone) == ("9", "Europe/London")
    assert policy.hours.monday == Hours(opens=time(9, 30), closes=time(16))
    assert policy.does_not_qualify == ()
    assert policy.scope_of(finding("SYSTEM-050", scope=Scope.PROVIDER)) is Scope.VENDOR
    assert policy.scope_of(finding("SYSTEM-001", scope=Scope.PROVIDER)) is Scope.PROVIDER


BROKEN = [
    ('version = "7.1"', "version = 7.1", "guide.version", "Expected `str`, got `float`"),
    ('version = "7.1"', 'vrson = "7.1"', "guide.vrson", "unknown key; did you mean version?"),
    ("as_of = 2026-11-25", "as_of = 2026-11-25T00:00:00", "guide.as_of", "Expected `date`"),
    ('"America/New_York"', '"Mars/Olympus"', "time_zone", "no such time zone: 'Mars/Olympus'"),
    ('"America/New_York"', '"../../etc/passwd"', "time_zone", "no such time zone"),
    ('"America/New_York"', '""', "time_zone", "no such time zone: ''"),
    ('"America/New_York"', '"America"', "time_zone", "no such time zone"),
    ("tuesday = {", "tuesdy = {", "hours.tuesdy", "unknown key; did you mean tuesday?"),
    ("opens = 08:00:00", "opens = 16:00:00", "hours.monday", "got 16:00:00 and 16:00:00"),
    ("opens = 08:00:00", "opens = 8", "hours.monday.opens", "Expected `time`, got `int`"),
    ("opens = 08:00:00", 'opens = "08:00:00Z"', "hours.monday", "times without a zone"),
    ("closes = 16:00:00", 'closes = "16:00:00Z"', "hours.monday", "times without a zone"),
    ("3600.0", "0.0", "after_hours.usual_answer_s", "between 1 and 86400"),
    ("3600.0", "86400.5", "after_hours.usual_answer_s", "between 1 and 86400"),
    ('["High", "Urgent"]', '["Hihg"]', "after_hours.priorities[0]", "did you mean High?"),
    ("BYMONTHDAY=1", "COUNT=3", "holiday[0].rule", "a yearly rule such as"),
    ("BYDAY=-1MO", "BYDAY=-1XX", "holiday[1].rule", "a yearly rule such as"),
    ("7;BYMONTHDAY=4", "2;BYMONTHDAY=30", "holiday[2].rule", "no year has such a day"),
    ("YEARLY;BYMONTH=9", "DAILY;BYMONTH=9", "holiday[3].rule", "a yearly rule such as"),
    ("BYDAY=4TH", "BYDAY=4TH;INTERVAL=0", "holiday[4].rule", "a yearly rule such as"),
    ("BYMONTH=12;", "BYMONTH=13;", "holiday[5].rule", "a yearly rule such as"),
    ('name = "Low"', 'name = "Lwo"', "priority[1].name", "Invalid enum value 'Lwo'; did you mean Low?"),
    ('id = "siteworx"', 'id = "nodeworx"', "qualifies[2].id", "'nodeworx' stands here twice"),
    ('codes = ["SYSTEM-030"]', 'codes = ["SYSTEM-050"]', "does_not_qualify[8].codes", "decided by two"),
    ('codes = ["SYSTEM-030"]', 'codes = ["SYSTEM"]', "does_not_qualify[8].codes", "codes such as MAIL-001"),
    ('describes = ["FTP"]', 'describes = ["ftp"]', "qualifies[5].describes", "beginnings of codes"),
    ('whose = "customer"', 'whose = "vendor"', "does_not_qualify[9].whose", "Invalid enum value 'vendor'"),
    ("[hours]", "[hours", "", "not TOML"),
]


def refused(write: Write, text: str) -> ConfigError:
    path = write("support-policy.toml", text)
    with pytest.raises(ConfigError) as raised:
        load_policy()
    assert raised.value.path == str(path)
    return raised.value


@pytest.mark.parametrize(("old", "new", "key", "said"), BROKEN)
def test_a_broken_policy_is_refused_with_path_line_and_key(
    write: Write, old: str, new: str, key: str, said: str
) -> None:
    error = refused(write, TEXT.replace(old, new, 1))
    assert error.key == key
    assert said in error.why
    assert error.line == TEXT[: TEXT.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "key", "said", "header"),
    [
        ('version = "7.1"', "", "guide", "missing required field `version`", "\n[guide]"),
        (
            'name = "Low"',
            'name = "Medium"',
            "priority",
            "expected each of Information, Low",
            "\n[[priority]]",
        ),
        (
            "night_ends = 08:00:00",
            'night_ends = "08:00:00Z"',
            "after_hours",
            "without a zone",
            "\n[after_hours]",
        ),
        (
            "night_begins = 0",
            'night_begins = "00:00:00Z" #',
            "after_hours",
            "without a zone",
            "\n[after_hours]",
        ),
    ],
)
def test_a_fault_of_a_whole_table_is_told_by_its_header(
    write: Write, old: str, new: str, key: str, said: str, header: str
) -> None:
    error = refused(write, TEXT.replace(old, new, 1))
    assert error.key == key
    assert said in error.why
    assert error.line == TEXT[: TEXT.index(header)].count("\n") + 2


def test_an_empty_policy_is_refused(write: Write) -> None:
    write("support-policy.toml", "")
    with pytest.raises(ConfigError, match="missing required field `time_zone`"):
        load_policy()


def test_a_rule_that_only_dateutil_refuses() -> None:
    with pytest.raises(ValueError, match="a day that no month has"):
        Holiday(name="x", rule="FREQ=YEARLY;BYMONTH=1;BYDAY=99MO").between(date(2026, 1, 1), date(2026, 2, 1))


def test_a_leap_day_is_a_day(write: Write) -> None:
    write("support-policy.toml", TEXT.replace("BYMONTH=7;BYMONTHDAY=4", "BYMONTH=2;BYMONTHDAY=29"))
    assert load_policy().holiday[2].between(date(2026, 1, 1), date(2028, 12, 31)) == (date(2028, 2, 29),)


def test_a_zone_that_is_not_there_is_said_of_the_packages_file() -> None:
    with pytest.raises(ConfigError) as raised:
        load_zone(replace(load_policy(), time_zone="Mars/Olympus"))
    assert (raised.value.path, raised.value.key) == (str(PACKAGED), "time_zone")


# The provider


def test_without_a_file_there_is_no_provider() -> None:
    assert load_provider() is None


def test_a_provider_with_its_own_words(write: Write) -> None:
    write("provider.toml", 'name = "Example Hosting"\n')
    assert load_provider() == Provider(name="Example Hosting")
    write(
        "provider.toml",
        'name = "Example Hosting"\naddress = "support@example.com"\nmode = "block"\n'
        'text = """\nCall us\nfirst\n"""\n',
    )
    found = load_provider()
    assert found is not None
    assert (found.mode, found.text) == ("block", "Call us\nfirst\n")
    assert found.shown == "Example Hosting (support@example.com)"


@pytest.mark.parametrize(
    ("text", "key", "line", "said"),
    [
        ("", "", 0, "missing required field `name`"),
        ('name = " "', "name", 1, "expected a name"),
        ('name = "x"\nmode = "blck"', "mode", 2, "Invalid enum value 'blck'; did you mean block?"),
        ('name = "x"\nadrs = "y"', "adrs", 2, "unknown key; did you mean address?"),
        (f'name = "{"x" * 201}"', "name", 1, "at most 200 characters"),
        (f'name = "x"\ntext = "{"x" * 4001}"', "text", 2, "at most 4000 characters"),
        (f'name = "x"\naddress = "{"x" * 201}"', "address", 2, "at most 200 characters"),
        ('name = "x', "", 1, "not TOML"),
    ],
)
def test_a_broken_provider_is_refused(write: Write, text: str, key: str, line: int, said: str) -> None:
    path = write("provider.toml", text)
    with pytest.raises(ConfigError) as raised:
        load_provider()
    assert (raised.value.path, raised.value.key, raised.value.line) == (str(path), key, line)
    assert said in raised.value.why
