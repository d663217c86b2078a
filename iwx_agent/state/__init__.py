"""What the agent keeps between runs, in one database that root alone can read; reached through a worker.

``Runs`` are saved diagnoses. What sending remembers has a contract (``contract.Store``) that the disk
(``store.DiskStore``), memory (``memory.MemoryStore``) and the disk with a way out (``fallback.CarefulStore``)
keep; ``lock.SendingLock`` lets one process send at a time.
"""

from iwx_agent.state.door import Door, StateError
from iwx_agent.state.runs import Runs

__all__ = ["Door", "Runs", "StateError"]
