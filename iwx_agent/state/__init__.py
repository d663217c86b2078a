"""What the agent keeps between runs, in one database that root alone can read; reached through a worker."""

from iwx_agent.state.door import DIRECTORY, Door, StateError
from iwx_agent.state.runs import Runs

__all__ = ["DIRECTORY", "Door", "Runs", "StateError"]
