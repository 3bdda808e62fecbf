"""What every `ApiKeys` must do. Subclass it in your tests and give the fixture `keys`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from foveal.errors import ConflictError, NotFoundError
from foveal.ports.stores import ApiKeys
from foveal.types.keys import KeyGrant, KeyId, RateLimits, Role

FULL = KeyGrant(
    name="archive",
    role=Role.CONTRIBUTOR,
    groups=("board", "press, radio"),
    limits=RateLimits(requests_per_minute=60, tokens_per_minute=10_000),
    expires_at=datetime(2999, 1, 2, 3, 4, 5, tzinfo=UTC),
)


class ApiKeysContract:
    """The specification of `foveal.ports.ApiKeys` as tests."""

    @pytest.fixture
    def keys(self) -> ApiKeys:
        """The keys under test, none yet."""
        raise pytest.UsageError("a subclass of ApiKeysContract gives the fixture `keys`")

    def test_a_key_is_found_by_itself_and_by_nothing_else(self, keys: ApiKeys) -> None:
        """Not by its prefix, its record or an empty text."""
        record, key = keys.create(FULL)
        _, other = keys.create(KeyGrant(name="other"))
        assert keys.find(key) == record
        assert key != other
        for wrong in ("", record.prefix, key[:-1], key + "x", key.upper(), "ü", "\udcff"):
            assert keys.find(wrong) is None

    def test_what_a_key_was_made_with_comes_back(self, keys: ApiKeys) -> None:
        """Limits, groups and expiry, and the absence of each."""
        full, _ = keys.create(FULL)
        bare, _ = keys.create(KeyGrant(name="bare"))
        nobody, _ = keys.create(KeyGrant(name="nobody", groups=()))
        assert [r.grant for r in keys.records()] == [FULL, KeyGrant(name="bare"), KeyGrant(name="nobody", groups=())]
        assert keys.records() == [full, bare, nobody]
        assert len({r.key_id for r in keys.records()}) == 3
        assert bare.last_used_at is None
        assert bare.revoked_at is None

    def test_a_key_is_recognised_by_its_first_characters(self, keys: ApiKeys) -> None:
        """Which are too few to guess the rest."""
        record, key = keys.create(FULL)
        assert key.startswith(record.prefix)
        assert 4 <= len(record.prefix) < len(key) / 2

    def test_a_revoked_key_is_known_and_opens_nothing(self, keys: ApiKeys) -> None:
        """Others still do; revoking twice changes nothing."""
        _, key = keys.create(FULL)
        _, other = keys.create(KeyGrant(name="other"))
        keys.revoke("archive")
        keys.revoke("archive")
        now = datetime.now(UTC) + timedelta(seconds=1)
        found, kept = keys.find(key), keys.find(other)
        assert found is not None
        assert found.revoked_at is not None
        assert not found.opens(now)
        assert kept is not None
        assert kept.opens(now)

    def test_revoking_a_name_that_never_was_is_refused(self, keys: ApiKeys) -> None:
        """It is a typing mistake that must be seen."""
        with pytest.raises(NotFoundError):
            keys.revoke("archive")

    def test_a_name_belongs_to_one_key_that_opens(self, keys: ApiKeys) -> None:
        """It is free again when that is revoked or expired."""
        keys.create(FULL)
        with pytest.raises(ConflictError):
            keys.create(KeyGrant(name="archive"))
        keys.revoke("archive")
        past = datetime(2020, 1, 1, tzinfo=UTC)
        keys.create(KeyGrant(name="archive", expires_at=past))
        again, key = keys.create(KeyGrant(name="archive"))
        assert keys.find(key) == again
        assert len(keys.records()) == 3

    def test_the_latest_use_is_kept(self, keys: ApiKeys) -> None:
        """Whatever the order in which uses are told."""
        record, key = keys.create(FULL)
        at = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
        keys.note_use(record.key_id, at)
        keys.note_use(record.key_id, at - timedelta(hours=1))
        keys.note_use(KeyId(record.key_id + 1000), at)
        found = keys.find(key)
        assert found is not None
        assert found.last_used_at == at
