"""Apache's virtual hosts: the panel's form, what administrators write, and what nobody should write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.parsers.vhost import host_name, parse_virtual_hosts, site_of

SITE = """\
# written by the panel
<VirtualHost 192.0.2.7:80>
    ServerName site01.example.com
    ServerAlias www.site01.example.com *.site01.example.com \\
        old.example.com
    DocumentRoot "/home/site 01/html"
</VirtualHost>
<IfModule mod_ssl.c>
<VirtualHost 192.0.2.7:443>
    ServerName site01.example.com:443
    sslengine On
    CustomLog /home/site01/var/site01.example.com/logs/transfer-ssl.log common
    SSLCertificateFile /home/site01/var/site01.example.com/ssl/site01.example.com.crt
</VirtualHost>
</IfModule>
"""


def test_a_site_has_a_plain_and_a_tls_block() -> None:
    plain, tls = parse_virtual_hosts(SITE, file="vhost.conf")
    assert (plain.address, plain.port, plain.server_name, plain.line, plain.tls) == (
        "192.0.2.7",
        80,
        "site01.example.com",
        2,
        False,
    )
    assert plain.aliases == ("www.site01.example.com", "old.example.com")
    assert plain.document_root == "/home/site 01/html"
    assert (tls.port, tls.server_name, tls.tls, tls.line) == (443, "site01.example.com", True, 9)
    assert tls.certificate_file.endswith("/site01.example.com.crt")
    site = site_of((plain, tls))
    assert site is not None
    assert (site.name, site.plain, site.tls) == ("site01.example.com", plain, tls)


@pytest.mark.parametrize(
    ("written", "address", "port"),
    [
        ("<VirtualHost *:80>", "*", 80),
        ("<VirtualHost _default_:443>", "*", 443),
        ("<VirtualHost *>", "*", 0),
        ("<VirtualHost>", "*", 0),
        ("<virtualhost [2001:db8::1]:443 192.0.2.7:443>", "2001:db8::1", 443),
        ("<VirtualHost [2001:db8::1]>", "2001:db8::1", 0),
        ("<VirtualHost www.example.com:8080>", "www.example.com", 8080),
        ("<VirtualHost 192.0.2.7:999999>", "192.0.2.7", 0),
        ("<VirtualHost 192.0.2.7:x>", "192.0.2.7", 0),
    ],
)
def test_the_address_of_a_block(written: str, address: str, port: int) -> None:
    (host,) = parse_virtual_hosts(f"{written}\n</VirtualHost>", file="f")
    assert (host.address, host.port) == (address, port)


@pytest.mark.parametrize(
    "text",
    [
        "<VirtualHost *:80>\nServerName a.example.com\n",
        "</VirtualHost>\n",
        "<VirtualHost *:80>\n<VirtualHost *:81>\n</VirtualHost>\n",
        "PK\0\3",
    ],
)
def test_what_is_not_closed_or_no_text_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_virtual_hosts(text, file="f")


def test_a_cut_file_keeps_its_whole_blocks() -> None:
    cut = SITE[: SITE.index("SSLCertificateFile")]
    assert [host.port for host in parse_virtual_hosts(cut, file="f", truncated=True)] == [80]


def test_an_empty_file_and_a_file_of_comments_have_no_blocks() -> None:
    assert parse_virtual_hosts("", file="f") == ()
    assert parse_virtual_hosts("# nothing \\\n#here\nServerName outside.example.com\n", file="f") == ()


def test_a_line_continued_at_the_end_of_the_file_still_counts() -> None:
    with pytest.raises(ParseError):
        parse_virtual_hosts("<VirtualHost *:80> \\", file="f")


@pytest.mark.parametrize(
    ("block", "tls"),
    [
        ("<VirtualHost *:443>\nServerName a\nSSLEngine off", True),
        ("<VirtualHost *:8443>\nServerName a\nSSLEngine on", True),
        ("<VirtualHost *:8443>\nServerName a\nSSLCertificateFile /x", True),
        ("<VirtualHost *:8443>\nServerName a", False),
    ],
)
def test_a_block_that_is_meant_for_tls_stays_so_without_its_engine(block: str, tls: bool) -> None:
    (host,) = parse_virtual_hosts(f"{block}\n</VirtualHost>\n", file="f")
    assert host.tls is tls


def test_a_block_without_a_usable_name_is_no_site() -> None:
    hosts = parse_virtual_hosts('<VirtualHost *:80>\nServerName "a b"\n</VirtualHost>', file="f")
    assert site_of(hosts) is None
    assert site_of(()) is None


def test_other_names_in_the_same_file_are_other_sites() -> None:
    text = "".join(
        f"<VirtualHost *:80>\nServerName {name}\n</VirtualHost>\n"
        for name in ("a.example.com", "b.example.com")
    )
    site = site_of(parse_virtual_hosts(text, file="f"))
    assert site is not None
    assert (site.name, site.tls) == ("a.example.com", None)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("WWW.Example.COM.", "www.example.com"),
        ("https://a.example.com:443", "a.example.com"),
        ("*.example.com", ""),
        ("-a.example.com", ""),
        ("a..example.com", ""),
        ("a\r\nHost: b", ""),
        ("x" * 64 + ".com", ""),
        (".".join(["abcdefgh"] * 30), ""),
        ("", ""),
    ],
)
def test_only_host_names_pass(text: str, name: str) -> None:
    assert host_name(text) == name


def test_hostile_sizes_do_no_harm() -> None:
    long = "ServerAlias " + "a.example.com " * 800_000
    (host,) = parse_virtual_hosts(f"<VirtualHost *:80>\n{long}\n</VirtualHost>", file="f")
    assert host.aliases == ()
    many = "ServerAlias a.example.com \\\n" * 100_000
    assert parse_virtual_hosts(f"<VirtualHost *:80>\n{many}</VirtualHost>\n</VirtualHost>", file="f")


@given(st.text(alphabet=st.sampled_from('<>/VirtualHost*:80 \n\\"#ServerNam\0[]é')))
def test_any_text_gives_blocks_or_a_parse_error(text: str) -> None:
    try:
        hosts = parse_virtual_hosts(text, file="f")
    except ParseError:
        return
    site_of(hosts)


def test_an_open_block_is_refused_without_a_quote_of_what_stands_in_it() -> None:
    with pytest.raises(ParseError) as caught:
        parse_virtual_hosts("<VirtualHost *:80>\nSetEnv DB_PASSWORD hunter2hunter2\n", file="vhost_a.conf")
    assert "hunter2hunter2" not in str(caught.value)
