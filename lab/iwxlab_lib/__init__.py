"""The lab: a stand-in InterWorx server made of real parts, started and broken by `lab/iwxlab`."""
