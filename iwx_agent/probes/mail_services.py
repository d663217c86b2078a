"""Facts about the mail services under daemontools, read from supervise's own files and the process list."""

from collections.abc import Sequence

from msgspec.structs import replace

from iwx_agent.host import HostError
from iwx_agent.model import Processes
from iwx_agent.model.mail import SupervisedService, SupervisedServices, SuperviseStatus
from iwx_agent.parsers.supervise import parse_status
from iwx_agent.probes.context import Context, Probe

_YOUNG_S = 5.0
_SECOND_SAMPLE_AFTER_S = 2.5


def supervised_services(context: Context) -> SupervisedServices:
    """All mail services in the services directory, with a second sample of those that are young."""
    root, names = _directory(context)
    layout, processes = context.layout, context.host.processes()
    known = layout.everything("supervised")
    found = [service for name in names if name in known for service in _service(context, root, name)]
    if not found:
        raise HostError(
            "failed", f"none of the {len(names)} services here is a mail service by its name", root
        )
    read_at = context.host.clock().now_at
    marked = _with_supervise(context, found, processes)
    svscan = processes.named(*layout.texts("process.svscan"))
    if not svscan and all(s.status is None and not s.supervise_running for s in marked):
        raise HostError("failed", "supervise never ran here: mail may be run by something else", root)
    return SupervisedServices(
        path=root,
        services=_second_sample(context, marked, read_at),
        svscan_running=bool(svscan),
        read_at=read_at,
        core_names=(*layout.texts("supervised.smtp"), *layout.texts("supervised.send")),
        send_names=layout.texts("supervised.send"),
    )


def switched_on(context: Context, names: Sequence[str]) -> tuple[str, ...]:
    """Return which of the named services are in the services directory and have no ``down`` file."""
    try:
        root, present = _directory(context)
    except HostError as error:
        if error.kind == "not_found":
            return ()
        raise
    return tuple(
        name
        for name in names
        if name in present
        and not _is_there(context, f"{root}/{name}/down")
        and not _leads_nowhere(context, f"{root}/{name}")
    )


def _directory(context: Context) -> tuple[str, tuple[str, ...]]:
    places = context.layout.texts("path.services")
    for place in places:
        try:
            entries = context.host.list_directory(place).entries
        except HostError as error:
            if error.kind != "not_found":
                raise
        else:
            return place, tuple(
                e.name for e in entries if e.kind in ("directory", "symlink") and not e.name.startswith(".")
            )
    raise HostError("not_found", "no services directory of daemontools", " or ".join(places))


def _service(context: Context, root: str, name: str) -> list[SupervisedService]:
    """Return the service and, if it has one, its logger."""
    path = f"{root}/{name}"
    try:
        inside = {entry.name for entry in context.host.list_directory(path).entries}
    except HostError as error:
        if error.kind == "not_found":
            return []  # a link that a removed package left behind is no service
        raise
    found = [_one(context, name, path, inside)]
    if "log" in inside:
        logger = {entry.name for entry in context.host.list_directory(f"{path}/log").entries}
        found.append(_one(context, f"{name}/log", f"{path}/log", logger))
    return found


def _one(context: Context, name: str, path: str, inside: set[str]) -> SupervisedService:
    status: SuperviseStatus | None = None
    if "supervise" in inside:
        try:
            status = parse_status(context.host.read(f"{path}/supervise/status", max_bytes=64).data)
        except HostError as error:
            if error.kind != "not_found":
                raise
    return SupervisedService(
        name=name, path=path, supervise_running=None, normally_down="down" in inside, status=status
    )


def _with_supervise(
    context: Context, services: list[SupervisedService], processes: Processes
) -> tuple[SupervisedService, ...]:
    """Tell for each service whether its supervise runs: by the process list, and by svok where that says no.

    A logger's supervise is only called ``supervise log``: they are all there, or each one is asked for.
    """
    supervisors = processes.named(*context.layout.texts("process.supervise"))
    titles = [process.title.rpartition(" ")[2].rpartition("/")[2] for process in supervisors]
    pids = {process.pid for process in processes.entries if process.state != "Z"}
    loggers_count = sum(service.name.endswith("/log") for service in services)
    loggers_all_there = titles.count("log") >= loggers_count
    told: list[SupervisedService] = []
    for service in services:
        is_logger = service.name.endswith("/log")
        running = loggers_all_there if is_logger else service.name in titles
        # A supervise that hangs in the kernel shows no title: then the list alone proves nothing.
        listed = True if running else (None if is_logger or "" in titles else False)
        told.append(
            replace(
                service,
                supervise_running=listed or _svok(context, service.path, listed),
                alive=service.status is not None and service.status.pid in pids,
            )
        )
    return tuple(told)


def _svok(context: Context, path: str, otherwise: bool | None) -> bool | None:
    try:
        answer = context.host.run(("svok", path), timeout_s=3.0)
    except HostError:
        return otherwise
    return {0: True, 100: False}.get(-1 if answer.exit_code is None else answer.exit_code, otherwise)


def _second_sample(
    context: Context, services: tuple[SupervisedService, ...], read_at: float
) -> tuple[SupervisedService, ...]:
    """Read the status of young services again: one that keeps dying looks up in any single sample."""
    young = {service.name for service in services if _is_young(service, read_at)}
    if not young:
        return services
    context.host.pause(_SECOND_SAMPLE_AFTER_S)
    return tuple(
        replace(
            service,
            later=parse_status(context.resample.read(f"{service.path}/supervise/status", max_bytes=64).data),
        )
        if service.name in young
        else service
        for service in services
    )


def _is_young(service: SupervisedService, read_at: float) -> bool:
    status = service.status
    if status is None or service.supervise_running is False or (status.pid == 0 and status.wanted != "up"):
        return False
    return read_at - status.since_at < _YOUNG_S


def _is_there(context: Context, path: str) -> bool:
    try:
        context.host.stat(path)
    except HostError as error:
        if error.kind == "not_found":
            return False
        raise
    return True


def _leads_nowhere(context: Context, path: str) -> bool:
    """Whether it is certain that this is a link that a removed package left behind."""
    try:
        context.host.stat(path)
    except HostError as error:
        return error.kind == "not_found"
    return False


PROBES = (Probe(ask=supervised_services),)
