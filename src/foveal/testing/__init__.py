"""Contract suites, fakes and stand-in servers: public, so that your own parts can be tested as ours are."""
