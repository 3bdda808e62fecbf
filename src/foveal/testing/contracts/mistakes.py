"""What every `Mistakes` must do. Subclass it in your tests and give the fixture `mistakes`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from foveal.ports.people import Mistakes
from foveal.types.people import REMEMBERED

AT = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
LATER = AT + timedelta(seconds=5)


class MistakesContract:
    """The specification of `foveal.ports.Mistakes` as tests."""

    @pytest.fixture
    def mistakes(self) -> Mistakes:
        """The one under test, empty."""
        raise pytest.UsageError("a subclass of MistakesContract gives the fixture `mistakes`")

    def test_they_are_counted_for_each_key_with_the_last_moment(self, mistakes: Mistakes) -> None:
        """Keys without any are left out."""
        mistakes.add(["name anna", "address 10.0.0.1"], AT)
        mistakes.add(["name anna", "address 10.0.0.2"], LATER)
        known = mistakes.of(["name anna", "address 10.0.0.1", "name bert"])
        assert known == {"name anna": (2, LATER), "address 10.0.0.1": (1, AT)}
        assert mistakes.of([]) == {}

    def test_those_of_a_key_can_be_forgotten(self, mistakes: Mistakes) -> None:
        """The others stay."""
        mistakes.add(["name anna", "name bert"], AT)
        mistakes.clear("name anna")
        mistakes.clear("name nobody")
        assert mistakes.of(["name anna", "name bert"]) == {"name bert": (1, AT)}

    def test_what_is_old_does_not_pile_up(self, mistakes: Mistakes) -> None:
        """A later mistake sweeps away what is no longer remembered."""
        mistakes.add(["name anna"], AT)
        mistakes.add(["name bert"], AT + REMEMBERED + timedelta(seconds=1))
        assert set(mistakes.of(["name anna", "name bert"])) == {"name bert"}
