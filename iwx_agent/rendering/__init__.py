"""The renderings of one report, one file each; ``iwx_agent.report`` is their public face."""
