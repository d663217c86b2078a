"""What a fault is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Priority = Literal["Urgent", "High", "Medium", "Low", "Information", "none"]
Place = Literal["node", "switch"]


@dataclass(frozen=True, kw_only=True)
class Expect:
    """What a diagnosis of the broken server should say."""

    lead: str
    """The code on top: the cause. Empty when nothing may be said: what looks like a fault is none."""
    codes: tuple[str, ...] = ()
    """Every code that may be there beside it, as a consequence or as a second sight of the same thing."""
    subject: str = ""
    """A word that the lead's subject or text should contain."""
    priority: Priority = "Urgent"
    """The ticket's priority by the vendor's guide, for a licence that was bought directly."""
    in_scope: bool | None = True
    """Whether the vendor's support takes it; None when only a person can say."""


NOTHING = Expect(lead="", priority="none")


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """What is done to a cluster beside its manager: on the node, or at the switch between the two.

    At the switch the cables end in the ports `to-server` and `to-node`.
    """

    on: Place
    breaks: str
    mends: str


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way to break the server.

    `breaks` and `mends` are scripts of sh that run inside, as root, with `sh -eu`; the functions of
    /usr/local/lib/iwxlab/faults.sh are there. `spoils` names the lab's own probes that must fail afterwards,
    those of the node as `node/NAME`: a fault that spoils nothing did not take.
    """

    name: str
    title: str
    breaks: str = ""
    mends: str = ""
    spoils: tuple[str, ...]
    expect: Expect
    cluster: bool = False
    """Whether it takes a manager and a node; then the scripts run on the manager."""
    elsewhere: tuple[Elsewhere, ...] = ()
    """Done after `breaks`, undone before `mends`."""
    expect_on_node: Expect | None = None
    """What a diagnosis on the node should say; None when nobody asks there."""
