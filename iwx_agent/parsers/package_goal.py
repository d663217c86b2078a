"""The command line of yum or dnf: what it wants, so that two runs that want the same can be told.

>>> goal_of("dnf -y --nobest upgrade vim httpd"), goal_of("yum update -q")
(('update', 'httpd', 'vim'), ('update',))
>>> goal_of("dnf update --disablerepo=interworx-cp*")
('update', '--disablerepo=interworx-cp*')
"""

# Options that do not change what is wanted, with those of them that take a value as the next word.
_WITHOUT_VALUE = frozenset(
    (
        *(
            "-y",
            "--assumeyes",
            "-q",
            "--quiet",
            "-v",
            "--verbose",
            "-b",
            "--best",
            "--nobest",
            "-C",
            "--cacheonly",
        ),
        *(
            "--skip-broken",
            "--allowerasing",
            "--refresh",
            "--nogpgcheck",
            "--noplugins",
            "--nodocs",
            "--obsoletes",
        ),
        *("--setopt", "--skip-if-unavailable", "--color", "--timer"),
    )
)
_WITH_VALUE = frozenset(
    ("-d", "--debuglevel", "-e", "--errorlevel", "-R", "--randomwait", "--rpmverbosity", "--comment")
)
# Options that take a value as the next word and belong to what is wanted.
_SELECTING = frozenset(
    (
        *(
            "-x",
            "--exclude",
            "--disablerepo",
            "--enablerepo",
            "--repo",
            "--repoid",
            "--repofrompath",
            "-c",
            "--config",
        ),
        *(
            "--installroot",
            "--releasever",
            "--advisory",
            "--disableexcludes",
            "--disableplugin",
            "--enableplugin",
        ),
    )
)
_SAME_VERBS = {
    "upgrade": "update",
    "up": "update",
    "update-to": "update",
    "upgrade-to": "update",
    "in": "install",
    "localinstall": "install",
    "rei": "reinstall",
    "erase": "remove",
    "rm": "remove",
    "dg": "downgrade",
    "dsync": "distro-sync",
    "distribution-synchronization": "distro-sync",
    "mc": "makecache",
    "check-upgrade": "check-update",
    "groupinstall": "group",
    "groupupdate": "group",
    "grp": "group",
    "hist": "history",
}


def goal_of(command: str) -> tuple[str, ...]:
    """Return the verb and, sorted, what it was asked for; the verb is empty when there is none."""
    words = command.split()
    program = words[0].rpartition("/")[2] if words else ""
    if program.startswith(("dnf", "yum", "microdnf")):
        words = words[1:]
    verb, rest = "", []
    left = iter(words)
    for word in left:
        name, has_value, _ = word.partition("=")
        if name in _WITHOUT_VALUE or (name in _WITH_VALUE and has_value):
            continue
        if name in _WITH_VALUE:
            next(left, "")
        elif name in _SELECTING and not has_value:
            rest.append(f"{word}={next(left, '')}")
        elif verb or word.startswith("-"):
            rest.append(word)
        else:
            verb = _SAME_VERBS.get(word, word)
    return (verb, *sorted(rest))
