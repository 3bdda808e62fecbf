"""Readers: bytes to content, under limits."""
