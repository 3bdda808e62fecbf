"""The HTTP edge: wire formats in, wire formats out; everything it knows comes through `foveal.api.engine.Engine`."""
