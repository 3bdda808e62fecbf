"""Pure algorithms of retrieval: no I/O, no engines; they see ports, types and errors only."""
