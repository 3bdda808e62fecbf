"""What Foveal does, told in ports only: ingest, understand, search, chat."""
