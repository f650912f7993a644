"""The composition root: settings, addresses, servers. Knows everything, imported by nobody."""
