"""Foveal's own HTTP interface: indexes, search, and the bytes of what was found."""
