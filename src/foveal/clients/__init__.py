"""What speaks to a served Foveal, or to any Azure OpenAI endpoint, from outside: nothing here opens a home."""
