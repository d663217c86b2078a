"""iwx-agent finds emergencies on an InterWorx server and writes the support ticket."""

__version__ = "0.1.0"
