"""The small processes that do what may hang, so that the agent itself never does.

This package runs in its own interpreter (``python -I -S``, standard library only) as the top-level package
``worker``; the agent imports ``frames`` alone. It therefore uses relative imports, imports as little as it
can (not even ``typing``: starting must cost milliseconds), and knows nothing of the agent.
"""
