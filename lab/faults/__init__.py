"""The table of faults."""

from __future__ import annotations

from .mail import MAIL
from .model import Expect, Fault
from .panel import PANEL
from .system import SYSTEM
from .web import WEB

__all__ = ["FAULTS", "Expect", "Fault"]

FAULTS: tuple[Fault, ...] = (*PANEL, *MAIL, *WEB, *SYSTEM)
