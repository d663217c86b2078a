"""The line as Nagios and NRPE take it: state, text and numbers are what the agent said, and nothing else."""

import re
import subprocess
import time
from pathlib import Path

import monitoring
import pytest
from building import finding, incident, report, result
from hostile import CORPUS, everywhere

from iwx_agent.model import IncidentState, Measures, Report, Severity, Status, Verdict
from iwx_agent.rendering import nagios

pytestmark = [pytest.mark.e2e, pytest.mark.monitoring]

ROOTS = Path(__file__).parents[1] / "roots"
MEASURED = Measures(disk_used_pct=93.0, queue_count=1234)
BLIND = (result(status=Status.UNKNOWN, reason="why"),)
REPORTS: dict[str, Report] = {
    "well": report(measures=MEASURED),
    "warning": report(incident(finding(severity=Severity.WARNING), state=IncidentState.OPEN)),
    "emergency": report(incident(finding()), verdict=Verdict(priority=None, emergency=True, reasons=())),
    "blind": report(results=BLIND),
    **{f"hostile-{number}": everywhere(text) for number, text in enumerate(CORPUS)},
}
OBJECTS = """
define timeperiod {
    timeperiod_name 24x7
    alias always
    sunday 00:00-24:00
    monday 00:00-24:00
    tuesday 00:00-24:00
    wednesday 00:00-24:00
    thursday 00:00-24:00
    friday 00:00-24:00
    saturday 00:00-24:00
}
define host {
    host_name web1.example.com
    address 127.0.0.1
    max_check_attempts 1
    check_period 24x7
}
define contact {
    contact_name admins
    host_notifications_enabled 0
    service_notifications_enabled 0
    host_notification_period 24x7
    service_notification_period 24x7
    host_notification_commands saved
    service_notification_commands saved
}
define command {
    command_name saved
    command_line /bin/sh $ARG1$
}
"""
SERVICE = """
define service {{
    use iwx-service
    host_name web1.example.com
    contacts admins
    service_description {name}
    check_command {command}
}}
"""
MAIN = """
cfg_file={place}/nagios.cfg
cfg_file={place}/objects.cfg
log_file={place}/log
status_file={place}/status
status_update_interval=1
check_result_path={place}/results
object_cache_file={place}/cache
lock_file={place}/lock
temp_file={place}/temp
temp_path={place}
command_file={place}/commands
query_socket={place}/query
nagios_user={user}
nagios_group={group}
check_for_updates=0
enable_notifications=0
service_inter_check_delay_method=n
"""


def write_plugin(place: Path, told: Report) -> None:
    """Write what says and ends as the agent does of this report, once in short and once with all lines."""
    (place.parent / f"{place.name}.text").write_text(nagios.render(told, verbose=True))
    place.write_text(f'cat "$0.text"; exit {nagios.exit_code(told)}\n')


def write_nagios(place: Path, services: dict[str, str], check_nrpe: str) -> None:
    packaged = (monitoring.PACKAGING / "nagios.cfg").read_text(encoding="utf-8")
    assert "/usr/lib/nagios/plugins/check_nrpe -H $HOSTADDRESS$" in packaged
    (place / "nagios.cfg").write_text(packaged.replace("/usr/lib/nagios/plugins/check_nrpe", check_nrpe))
    made = [SERVICE.format(name=name, command=command) for name, command in services.items()]
    (place / "objects.cfg").write_text("".join([OBJECTS, *made]))
    (place / "results").mkdir()
    (place / "main.cfg").write_text(
        MAIN.format(place=place, user=monitoring.NOBODY, group=monitoring.NOBODYS_GROUP)
    )


def services_of(place: Path) -> dict[str, dict[str, str]]:
    """Return what Nagios holds of each service, once it has checked all of them."""
    until = time.monotonic() + monitoring.LONGEST_S
    while True:
        text = (place / "status").read_text(encoding="utf-8") if (place / "status").exists() else ""
        blocks = re.findall(r"^servicestatus \{\n(.*?)^\t\}", text, re.MULTILINE | re.DOTALL)
        told = [dict(re.findall(r"^\t([a-z_]+)=(.*)$", block, re.MULTILINE)) for block in blocks]
        if told and all(one["has_been_checked"] == "1" for one in told):
            return {one["service_description"]: one for one in told}
        assert time.monotonic() < until, (place / "log").read_text() + str(told)[:2000]
        time.sleep(0.2)


def test_nagios_takes_state_text_and_numbers(tmp_path: Path) -> None:
    with monitoring.everybodys() as place:
        for name, told in REPORTS.items():
            write_plugin(place / name, told)
        write_nagios(place, {name: f"saved!{place / name}" for name in REPORTS}, "/bin/false")
        monitoring.give_to_nobody(place)
        with monitoring.running(monitoring.NAGIOS, place / "main.cfg", log=tmp_path / "log"):
            services = services_of(place)
    assert set(services) == set(REPORTS)
    for name, told in REPORTS.items():
        first, *further = nagios.render(told, verbose=True)[:-1].split("\n")
        said, _, numbers = first.partition(" | ")
        held = services[name]
        assert int(held["current_state"]) == nagios.exit_code(told), name
        assert held["plugin_output"] == said, name
        assert held["performance_data"] == numbers, name
        assert held["long_plugin_output"] == "\\n".join(further), name


NRPE_MAIN = """
server_address=127.0.0.1
server_port={port}
allowed_hosts=127.0.0.1
nrpe_user={user}
nrpe_group={group}
pid_file={place}/pid
command_timeout=60
include={place}/nrpe.cfg
"""


def write_nrpe(place: Path, agent: str, root: str, port: int) -> str:
    """Write the packaged configuration, its command one that says what the agent said; return that."""
    packaged = (monitoring.PACKAGING / "nrpe.cfg").read_text(encoding="utf-8")
    before, _, arguments = packaged.rstrip("\n").rpartition("/usr/bin/sudo -n /usr/local/bin/iwx-agent ")
    allowed = re.search(r"NOPASSWD: /usr/local/bin/iwx-agent (.*)", packaged)
    assert allowed is not None
    assert allowed[1] == arguments
    argv = [agent, *arguments.split(), "--from", str(ROOTS / root)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=50)
    (place / "said").write_text(done.stdout)
    (place / "plugin").write_text(f"cat {place}/said; exit {done.returncode}\n")
    (place / "nrpe.cfg").write_text(f"{before}/bin/sh {place}/plugin\n")
    (place / "main.cfg").write_text(
        NRPE_MAIN.format(place=place, port=port, user=monitoring.NOBODY, group=monitoring.NOBODYS_GROUP)
    )
    return done.stdout


@pytest.mark.parametrize(("root", "state"), [("healthy", 0), ("panel-db-killed", 2)])
def test_the_packaged_configurations_take_it_from_a_server_to_nagios(
    tmp_path: Path, agent: str, root: str, state: int
) -> None:
    port = monitoring.free_port()
    nrpe = ("-H $HOSTADDRESS$", f"-H $HOSTADDRESS$ -p {port}")
    with monitoring.everybodys() as server, monitoring.everybodys() as place:
        said = write_nrpe(server, agent, root, port)
        write_nagios(place, {"InterWorx": "check_iwx"}, str(monitoring.CHECK_NRPE))
        (place / "nagios.cfg").write_text((place / "nagios.cfg").read_text().replace(*nrpe))
        monitoring.give_to_nobody(server)
        monitoring.give_to_nobody(place)
        daemon = (monitoring.NRPE, "-c", server / "main.cfg", "-f")
        with monitoring.running(*daemon, log=tmp_path / "nrpe.log"):
            monitoring.wait_for(port)
            with monitoring.running(monitoring.NAGIOS, place / "main.cfg", log=tmp_path / "nagios.log"):
                held = services_of(place)["InterWorx"]
    assert held["current_state"] == str(state)
    assert f"{held['plugin_output']} | {held['performance_data']}\n" == said


def test_a_server_that_does_not_answer_is_unknown_or_critical_and_never_ok(tmp_path: Path) -> None:
    with monitoring.everybodys() as place:
        write_nagios(place, {"InterWorx": "check_iwx"}, str(monitoring.CHECK_NRPE))
        nrpe = ("-H $HOSTADDRESS$", f"-H $HOSTADDRESS$ -p {monitoring.free_port()}")
        (place / "nagios.cfg").write_text((place / "nagios.cfg").read_text().replace(*nrpe))
        monitoring.give_to_nobody(place)
        with monitoring.running(monitoring.NAGIOS, place / "main.cfg", log=tmp_path / "nagios.log"):
            assert services_of(place)["InterWorx"]["current_state"] in ("2", "3")
