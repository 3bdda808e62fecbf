"""One contract suite a port: subclass it and give the fixture it names."""
