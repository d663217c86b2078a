"""The table of faults."""

from __future__ import annotations

from .cluster import CLUSTER
from .mail import MAIL
from .model import NOTHING, Elsewhere, Expect, Fault
from .packages import PACKAGES
from .panel import PANEL
from .system import SYSTEM
from .upgrade import UPGRADE
from .web import WEB

__all__ = ["FAULTS", "NOTHING", "Elsewhere", "Expect", "Fault"]

FAULTS: tuple[Fault, ...] = (*PANEL, *UPGRADE, *PACKAGES, *MAIL, *WEB, *SYSTEM, *CLUSTER)
