"""Engines: every model role of `foveal.ports`, one module a role, and the cards and checksums of their weights."""
