"""The settings of sending: defaults that send nothing, limits, and what a type cannot say."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.config import ConfigError, load_settings
from iwx_agent.config.sending import AutoSettings, DeliverySettings, Sending, load_sending
from iwx_agent.config.transport_tables import FileTable, fault_of_mail, fault_of_url
from iwx_agent.model.episode import AutoRules
from iwx_agent.model.sending import OutboxRules
from iwx_agent.transports.written_mail import addr_spec

Put = Callable[..., Path]

PORTAL = '[transport.portal]\naddress = "https://support.example.com/new"\n'
EMAIL = '[transport.email]\nto = "support@example.com"\n'
HOOK = '[transport.webhook]\nurl = "https://hooks.example.com/x"\n'


def test_by_itself_nothing_is_sent_anywhere() -> None:
    assert load_sending() == Sending()
    assert not load_sending().auto.enabled
    assert load_sending().delivery.transports == ("file",)
    assert load_sending().transport.file == FileTable()


def test_the_rules_of_the_machines_are_the_settings() -> None:
    """What decides and what sends takes its rules as they are set, with the same defaults."""
    assert isinstance(AutoSettings(), AutoRules)
    assert isinstance(Sending().outbox, OutboxRules)
    for name in AutoRules.__struct_fields__:
        assert getattr(AutoSettings(), name) == getattr(AutoRules(), name)


def test_file_is_the_last_by_itself(put: Put) -> None:
    put("config.toml", f'[delivery]\nchain = ["portal", "email"]\n{PORTAL}{EMAIL}')
    assert load_sending().delivery.transports == ("portal", "email", "file")
    assert DeliverySettings(chain=("email", "file")).transports == ("email", "file")


GOOD = (
    "[auto]\nenabled = true\ntickets_per_day_count = 1\nrepeat_after_s = 2592000\n",
    '[auto.window]\ndays = ["monday"]\nbegins = 08:00:00\nends = 16:00:00\ntime_zone = "America/New_York"\n',
    "[outbox]\nfirst_wait_s = 10\nlongest_wait_s = 10\n",
    "[delivery]\nlimit_s = 5\n",
    "[delivery]\nlimit_s = 240\n",
    '[delivery]\nchain = ["file"]\nsender_name = "Jané"\nsender_mail = "root@example.com"\n',
    PORTAL
    + 'search_address = "https://support.example.com/?q={key}"\nproxy = "http://proxy.example.com:3128"\n',
    PORTAL.replace("https://support.example.com", "http://127.0.0.1:8000"),
    PORTAL.replace("https://support.example.com", "http://localhost"),
    EMAIL + 'server = "127.0.0.1"\ntls = "none"\nuser = "me"\npassword_file = "/x"\n',
    EMAIL + 'server = "mail.example.com"\ntls = "none"\nallow_plain = true\nport = 65535\n',
    EMAIL + 'server = "mail.example.com"\nport = 465\n',
    EMAIL + 'server = "2001:db8::25"\nport = 465\ntls = "implicit"\n',
    HOOK + 'look_up_url = "https://hooks.example.com/{key}"\nkey_file = "/x"\n',
    HOOK.replace("https", "http") + "allow_plain = true\n",
    '[transport.command]\ncommand = ["/opt/file-ticket"]\n',
    '[transport.file]\ndirectory = "/srv/tickets"\n',
)


@pytest.mark.parametrize("text", GOOD)
def test_what_may_be_set(put: Put, text: str) -> None:
    put("config.toml", text)
    assert load_sending() != Sending()
    load_settings()


@pytest.mark.parametrize(
    ("text", "key", "line", "said"),
    [
        ("[auto]\nenabl = true", "auto.enabl", 2, "did you mean enabled?"),
        ("[auto]\ntickets_per_day_count = 0", "auto.tickets_per_day_count", 2, "between 1 and 100, got 0"),
        ("[auto]\ntickets_per_day_count = 101", "auto.tickets_per_day_count", 2, "got 101"),
        ("[auto]\npause_s = -1", "auto.pause_s", 2, "seconds between 0 and 2592000, got -1"),
        ("[auto]\ndrafts_count = 1001", "auto.drafts_count", 2, "a number between 0 and 1000"),
        ("[auto]\nheartbeat_url = 'http://x.example.com'", "auto.heartbeat_url", 2, "https://"),
        ("[auto.window]\ndays = ['mondai']", "auto.window.days[0]", 2, "did you mean monday?"),
        ("[auto.window]\ndays = []", "auto.window.days", 2, "at least one day"),
        ("[auto.window]\nbegins = '08:00:00+01:00'", "auto.window.begins", 2, "without an offset"),
        ("[auto.window]\nends = 'noon'", "auto.window.ends", 2, "Invalid"),
        ("[auto.window]\ntime_zone = 'Mars/Olympus'", "auto.window.time_zone", 2, "no such time zone"),
        ("[auto.window]\ntime_zone = '../../passwd'", "auto.window.time_zone", 2, "no such time zone"),
        ("[outbox]\nfirst_wait_s = 0", "outbox.first_wait_s", 2, "between 1 and 86400"),
        ("[outbox]\nlongest_wait_s = 59", "outbox.longest_wait_s", 2, "at least outbox.first_wait_s"),
        ("[delivery]\nlimit_s = 4.9", "delivery.limit_s", 2, "between 5 and 240, got 4.9"),
        ("[delivery]\nlimit_s = 241", "delivery.limit_s", 2, "got 241"),
        ("[delivery]\nlimit_s = nan", "delivery.limit_s", 2, "got nan"),
        ("[delivery]\nchain = ['emial']", "delivery.chain[0]", 2, "did you mean email?"),
        ("[delivery]\nchain = ['email']", "delivery.chain", 2, "there is no [transport.email]"),
        ("[delivery]\nchain = ['email', 'email']\n" + EMAIL, "delivery.chain", 2, "each transport once"),
        ("[delivery]\nchain = ['file', 'email']\n" + EMAIL, "delivery.chain", 2, "file never fails"),
        ("[delivery]\nsender_mail = 'root'", "delivery.sender_mail", 2, "mail address"),
        ("[delivery]\nsender_name = 'a\\nb'".replace("'", '"'), "delivery.sender_name", 2, "printable"),
        ("[delivery]\nsender_name = '" + "n" * 201 + "'", "delivery.sender_name", 2, "at most 200"),
        ("[transport.fax]\n", "transport.fax", 1, "unknown key"),
        ("[transport.portal]\nuser = 'me'", "transport.portal", 1, "missing required field `address`"),
        (PORTAL + "addresses = 'x'", "transport.portal.addresses", 3, "did you mean address?"),
        (PORTAL.replace("https", "ftp"), "transport.portal.address", 2, "https://"),
        (PORTAL.replace("https", "http"), "transport.portal.address", 2, "https://"),
        (PORTAL.replace("//support", "//me:pw@support"), "transport.portal.address", 2, "end up in logs"),
        (PORTAL.replace("/new", "/new ticket"), "transport.portal.address", 2, "without blanks"),
        (PORTAL.replace("example.com", "example.com:x"), "transport.portal.address", 2, "is no address"),
        (
            PORTAL + "list_address = 'https://example.net/'",
            "transport.portal.list_address",
            3,
            "another host",
        ),
        (PORTAL + "list_address = 'https://x:y'", "transport.portal.list_address", 3, "no address"),
        (
            PORTAL + "search_address = 'https://support.example.com/'",
            "transport.portal.search_address",
            3,
            "{key}",
        ),
        (PORTAL + "proxy = 'proxy:3128'", "transport.portal.proxy", 3, "expected an address"),
        (PORTAL + "authorities = 'ca.pem'", "transport.portal.authorities", 3, "a full path"),
        (PORTAL + "password_file = '/x'", "transport.portal.user", 1, "nobody whose it is"),
        (PORTAL + 'user = "a\\u0007"', "transport.portal.user", 3, "control characters"),
        (EMAIL.replace("@", " at "), "transport.email.to", 2, "mail address"),
        (EMAIL + "copy_to = ['a@example.com', 'b']", "transport.email.copy_to", 3, "mail address"),
        (EMAIL + "sender = 'Name <a@example.com>'", "transport.email.sender", 3, "mail address"),
        (EMAIL + "port = 65536", "transport.email.port", 3, "got 65536"),
        (EMAIL + "port = -1", "transport.email.port", 3, "got -1"),
        (EMAIL + "server = 'smtp://mail.example.com'", "transport.email.server", 3, "host name"),
        (EMAIL + "server = 'mail.example.com:587'", "transport.email.server", 3, "of its own, port"),
        (EMAIL + "server = '192.0.2.1:25'", "transport.email.server", 3, "of its own, port"),
        (EMAIL + "server = '[::1]'", "transport.email.server", 3, "host name"),
        (EMAIL + "port = 465\ntls = 'starttls'", "transport.email.tls", 4, "from the start"),
        (EMAIL + "tls = 'none'\nport = 465", "transport.email.tls", 3, "from the start"),
        (EMAIL.replace("support@", "a..b@"), "transport.email.to", 2, "mail address"),
        ("[delivery]\nsender_mail = 'root@web_1.example.com'", "delivery.sender_mail", 2, "mail address"),
        (PORTAL + "proxy = 'https://proxy.example.com:3128'", "transport.portal.proxy", 3, "plain text"),
        (EMAIL + "tls = 'startls'", "transport.email.tls", 3, "did you mean starttls?"),
        (EMAIL + "tls = 'none'\nserver = 'mail.example.com'", "transport.email.tls", 3, "allow_plain"),
        (
            EMAIL + "tls = 'none'\nserver = 'mail.example.com'\nallow_plain = true\nuser = 'me'",
            "transport.email.user",
            6,
            "no password is sent without TLS",
        ),
        (EMAIL + "update_subject = '{subject}'", "transport.email.update_subject", 3, "{reference}"),
        (HOOK.replace("https", "http"), "transport.webhook.url", 2, "https://"),
        (HOOK + "look_up_url = 'https://hooks.example.com/'", "transport.webhook.look_up_url", 3, "{key}"),
        ("[transport.command]\ncommand = []", "transport.command.command", 2, "full path"),
        ("[transport.command]\ncommand = ['file']", "transport.command.command", 2, "full path"),
        (
            "[transport.command]\ncommand = ['/x']\nlook_up_command = ['y']",
            *("transport.command.look_up_command", 3, "full path"),
        ),
        ('[transport.command]\ncommand = ["/x", "\\u0000"]', "transport.command.command", 2, "NUL"),
        (
            "[transport.command]\ncommand = [" + '"/x",' * 51 + "]",
            "transport.command.command",
            2,
            "at most 50",
        ),
        ("[transport.file]\ndirectory = 'x'", "transport.file.directory", 2, "full path"),
        ("[transport.file]\ndirectory = ''", "transport.file.directory", 2, "full path"),
        ("[state]\nruns_count = 1", "state.runs_count", 2, "between 2 and 100000"),
        ("[state]\nsize_bytes = 1", "state.size_bytes", 2, "bytes between 1048576"),
    ],
)
def test_what_may_not_be_set_is_said_before_anything_is_asked(
    put: Put, text: str, key: str, line: int, said: str
) -> None:
    path = put("config.toml", text)
    with pytest.raises(ConfigError) as raised:
        load_settings()
    assert (raised.value.path, raised.value.key, raised.value.line) == (str(path), key, line)
    assert said in raised.value.why


def test_an_address_with_a_password_is_not_repeated(put: Put) -> None:
    put("config.toml", PORTAL.replace("//support", "//me:hunter2@support"))
    with pytest.raises(ConfigError) as raised:
        load_settings()
    assert "hunter2" not in str(raised.value)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_is_not(text: str) -> None:
    for fault in (fault_of_url(text), fault_of_url(f"https://{text}"), fault_of_mail(text)):
        assert isinstance(fault, str)
    if not fault_of_mail(text):
        assert addr_spec(text) == text  # what the settings take, a mail can be written to
        assert text.count("@") == 1
        assert text.isprintable()
        assert not any(c.isspace() for c in text)


@pytest.mark.parametrize(
    "address",
    [
        "@example.com",
        "a@",
        "x@-example.com",
        ".a@example.com",
        "a@b@c",
        "",
        "a b@example.com",
        "a@" + "b" * 254,
    ],
)
def test_what_is_no_mail_address(address: str) -> None:
    assert fault_of_mail(address)
