"""Benchmarks: each module has `main(arguments)` that prints one table and says what it ran on."""
