"""What every `ModelCache` must do. Subclass it in your tests and give the fixture `cache`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from foveal.ports.stores import ModelCache


class ModelCacheContract:
    """The specification of `foveal.ports.ModelCache` as tests."""

    @pytest.fixture
    def cache(self) -> ModelCache:
        """The cache under test, empty."""
        raise pytest.UsageError("a subclass of ModelCacheContract gives the fixture `cache`")

    def test_what_was_put_is_there_and_nothing_else(self, cache: ModelCache) -> None:
        """Keys are any text, values any bytes."""
        values = {"a": b"", "b": bytes(range(256)) * 40, "it's; --": b"x", "日本": b"\x00"}
        cache.put_many(values)
        assert dict(cache.get_many([*values, "missing", "A"])) == values

    def test_no_keys_and_no_values_are_fine(self, cache: ModelCache) -> None:
        """Empty in, empty out."""
        cache.put_many({})
        assert dict(cache.get_many([])) == {}

    def test_the_last_value_of_a_key_wins(self, cache: ModelCache) -> None:
        """Alone or among others."""
        cache.put_many({"a": b"1", "b": b"1"})
        cache.put_many({"a": b"2"})
        assert dict(cache.get_many(["a", "b", "a"])) == {"a": b"2", "b": b"1"}

    def test_thousands_of_values_go_in_and_out_at_once(self, cache: ModelCache) -> None:
        """More than a database takes parameters in one statement."""
        values = {f"key {n}": bytes([n % 256]) * 100 for n in range(40_000)}
        cache.put_many(values)
        assert dict(cache.get_many(list(values))) == values

    def test_threads_may_put_and_get_at_once(self, cache: ModelCache) -> None:
        """Nothing is lost."""

        def work(number: int) -> None:
            cache.put_many({f"{number}-{n}": b"x" * 10_000 for n in range(10)})
            cache.get_many([f"{number}-{n}" for n in range(10)])

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(20)))
        assert len(cache.get_many([f"{a}-{b}" for a in range(20) for b in range(10)])) == 200
