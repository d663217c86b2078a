"""Faults of maintenance mode, of an upgrade that failed, and of the panel's command line.

Nothing is public about how the panel shows either of the first two; words, files and keys are made up, close
to what the support guide calls them.
"""

from __future__ import annotations

from .model import NOTHING, Expect, Fault

PANEL_WEB = ("panel-2443", "panel-2080")
WORDS = "InterWorx is currently in maintenance mode. Please try again in a few minutes."
HEAD = "<head><title>InterWorx - Maintenance</title></head>"
PAGE = f"<html>{HEAD}<body><h1>Maintenance</h1><p>{WORDS}</p></body></html>"


def page_instead(page: str) -> str:
    return f"""
keep $panel/html/nodeworx/index.php
cat >$panel/html/nodeworx/index.php <<'END'
{page}
END
"""


NEXT = "/opt/iwxlab-faults/next/noarch"
PAGE_BACK = "give_back $panel/html/nodeworx/index.php"


def tells(name: str, rows: str) -> str:
    """The stand-in's command line tells these rows."""
    return f"cat >/var/lib/interworx-stand-in/{name}.json <<'END'\n{rows}\nEND"


def forgets(name: str) -> str:
    return f"rm -f /var/lib/interworx-stand-in/{name}.json"


def habit(word: str) -> str:
    return f"echo {word} >/var/lib/interworx-stand-in/variant"


NO_HABIT = "rm -f /var/lib/interworx-stand-in/variant"

UPGRADE = (
    Fault(
        name="maintenance-503",
        title="the panel answers 503 with a maintenance page and Retry-After",
        breaks=f"""
cat >$panel/etc/httpd/conf.d/fault-maintenance.conf <<'END'
LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
Header always set Retry-After 3600
Redirect 503 /
ErrorDocument 503 "{PAGE}"
END
panel_reload
""",
        mends="rm -f $panel/etc/httpd/conf.d/fault-maintenance.conf\npanel_reload",
        spoils=PANEL_WEB,
        expect=Expect(lead="PANEL-070", codes=("PANEL-004",), subject="maintenance"),
    ),
    Fault(
        name="maintenance-200",
        title="the panel shows a maintenance page with status 200",
        breaks=page_instead(PAGE),
        mends=PAGE_BACK,
        spoils=PANEL_WEB,
        expect=Expect(lead="PANEL-070", subject="maintenance", priority="High"),
    ),
    Fault(
        name="maintenance-cli",
        title="the panel's command line says that it is in maintenance mode, and so do a file and a setting",
        breaks=habit("maintenance")
        + """
touch $panel/var/run/maintenance.lock
keep $panel/iworx.ini
sed -i 's/^firstrun=.*/&\\nmaintenance_mode="1"/' $panel/iworx.ini
""",
        mends=NO_HABIT
        + """
rm -f $panel/var/run/maintenance.lock
give_back $panel/iworx.ini
""",
        spoils=("panel-cli", "panel-cli-form", "panel-marks"),
        expect=Expect(lead="PANEL-070", subject="maintenance"),
    ),
    Fault(
        name="maintenance-file",
        title="a file called maintenance.lock lies below the panel's var, all else is well",
        breaks="touch $panel/var/run/maintenance.lock",
        mends="rm -f $panel/var/run/maintenance.lock",
        spoils=("panel-marks",),
        expect=Expect(lead="PANEL-071", subject="maintenance", priority="Information"),
    ),
    Fault(
        name="panel-licence-page",
        title="the panel shows its licence agreement: its first run has not been finished",
        breaks="""
keep $panel/iworx.ini
sed -i 's/^firstrun=.*/firstrun="1"/' $panel/iworx.ini
"""
        + page_instead(
            "<html><head><title>InterWorx</title></head><body><h1>License Agreement</h1>"
            "<form method=post><button>I accept the end user license agreement</button></form></body></html>"
        ),
        mends=PAGE_BACK + "\ngive_back $panel/iworx.ini",
        spoils=(*PANEL_WEB, "panel-first-run"),
        expect=Expect(lead="PANEL-007", subject="first-run", priority="Low"),
    ),
    Fault(
        name="upgrade-banner",
        title="NodeWorx has a banner about a failed upgrade step",
        breaks=tells(
            "banners",
            '[{"id": "7", "type": "error", "message": "Failed upgrade step: 8.2.1 convert_dns_templates. '
            'Please contact InterWorx support.", "created": "2026-11-20 03:14:07"}]',
        ),
        mends=forgets("banners"),
        spoils=("panel-banners",),
        expect=Expect(lead="PANEL-080", subject="upgrade step", priority="High"),
    ),
    Fault(
        name="upgrade-log",
        title="the panel's log tells of an upgrade step that failed an hour ago",
        breaks="""
keep $panel/var/log/iworx.log
then=$(date -d '-1 hour' '+%Y-%m-%d %H:%M:%S')
cat >>$panel/var/log/iworx.log <<END
$then upgrade: running step 8.2.1 convert_dns_templates
$then upgrade: failed upgrade step 8.2.1 convert_dns_templates: exit status 1
END
""",
        mends="give_back $panel/var/log/iworx.log",
        spoils=("panel-upgrade-log",),
        expect=Expect(lead="PANEL-080", subject="upgrade step", priority="High"),
    ),
    Fault(
        name="panel-health-bad",
        title="the panel's health list has a row that is bad",
        breaks=tells(
            "health",
            '[{"code": "DISK_SPACE", "name": "Disk space", "status": "0"}, '
            '{"code": "IWORX_UPGRADE", "name": "InterWorx upgrade steps", "status": "1"}, '
            '{"code": "RAID", "name": "RAID", "status": "2"}]',
        ),
        mends=forgets("health"),
        spoils=("panel-health",),
        expect=Expect(lead="PANEL-081", subject="upgrade", priority="Low"),
    ),
    Fault(
        name="upgrade-mixed",
        title="the panel's packages are of two versions: an upgrade took only one of them",
        breaks=f"packages_keep\nrpm -U --nodeps {NEXT}/interworx-cli-*.rpm 2>/dev/null",
        mends="packages_give_back",
        spoils=("rpm-panel-version",),
        expect=Expect(lead="PANEL-083", subject="interworx", priority="Medium"),
    ),
    Fault(
        name="upgrade-duplicates",
        title="a package of the panel is installed twice, as after an upgrade that was cut off",
        breaks=f"packages_keep\nrpm -i --nodeps --force {NEXT}/interworx-8*.rpm 2>/dev/null",
        mends="packages_give_back",
        spoils=("rpm-duplicates", "rpm-panel-version"),
        expect=Expect(lead="PANEL-084", subject="interworx", codes=("PANEL-083",), priority="Medium"),
    ),
    Fault(
        name="upgrade-scriptlet",
        title="the script of one of the panel's packages failed, and dnf said Complete!",
        breaks="""
packages_keep
of_faults scripts interworx-cp-stand-in
run_dnf install interworx-roundcube
dnf_said Complete!
""",
        mends="packages_give_back",
        spoils=("rpm-scriptlets",),
        expect=Expect(lead="PANEL-082", subject="interworx-roundcube", codes=("PACKAGES-040",)),
    ),
    Fault(
        name="upgrade-killed",
        title="dnf was killed in the middle of installing a package of the panel",
        breaks="""
packages_keep
of_faults scripts interworx-cp-stand-in
run_dnf install interworx-horde
dnf_said 'scriptlet: interworx-horde'
""",
        mends="packages_give_back",
        spoils=("dnf-history", "dnf-locks"),
        expect=Expect(
            lead="PANEL-085",
            subject="interworx-horde",
            codes=("PACKAGES-002", "PACKAGES-022"),
        ),
    ),
    Fault(
        name="cli-json-refused",
        title="the panel's command line does not know -o json; its plain columns say that all is well",
        breaks=habit("json-refused"),
        mends=NO_HABIT,
        spoils=("panel-cli", "panel-cli-form"),
        expect=NOTHING,
    ),
    Fault(
        name="cli-wrapped",
        title="the panel's command line wraps its answers and calls its columns otherwise; all is well",
        breaks=habit("wrapped other-keys"),
        mends=NO_HABIT,
        spoils=("panel-cli-form",),
        expect=NOTHING,
    ),
    Fault(
        name="assistance-off",
        title="Remote Assistance is off",
        breaks="$panel/bin/disable-support-access.sh >/dev/null",
        mends="$panel/bin/enable-support-access.sh >/dev/null",
        spoils=("remote-assistance",),
        expect=Expect(
            lead="SUPPORT-001", subject="Remote Assistance", priority="Information", in_scope=False
        ),
    ),
)
