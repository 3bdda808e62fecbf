"""What every `SourceRegistry` must do. Subclass it in your tests and give the fixture `registry`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from foveal.errors import ConflictError, NotFoundError
from foveal.ports.sources import SourceRegistry
from foveal.types.live_settings import FieldsMapping, LiveSettings
from foveal.types.sources import (
    Credential,
    CredentialKind,
    Schedule,
    Secret,
    SourceKind,
    SourceSettings,
    SourceState,
)

PHOTOS = SourceSettings(
    name="photos",
    kind=SourceKind.AZURE_BLOB,
    index="pictures",
    location="https://acme.blob.core.windows.net/photos/2024/",
    account_url="https://acme.blob.core.windows.net",
    container="photos",
    prefix="2024/",
    groups=("board", "press, radio"),
    descriptions="/data/words.csv",
    schedule=Schedule(every_s=3600),
)
BARE = SourceSettings(name="bare", kind=SourceKind.FOLDER, index="pictures", location="/data")
LIVE = SourceSettings(
    name="live",
    kind=SourceKind.AZURE_SEARCH,
    index="live",
    location="https://acme.search.windows.net/indexes/hotels",
    live=LiveSettings(
        endpoint="https://acme.search.windows.net",
        index="hotels",
        mapping=FieldsMapping(content=("a", "b"), title="t", vectors=("v",), separator="\r\n"),
        dimensions=(("v", 1536), ("w", 0)),
        metrics=(("w", "euclidean"),),
        vectorized=("w",),
        groups_field="g",
    ),
)
KEY = Credential(kind=CredentialKind.ACCOUNT_KEY, secret=Secret("c2VjcmV0IMO8"))


class SourceRegistryContract:
    """The specification of `foveal.ports.SourceRegistry` as tests."""

    @pytest.fixture
    def registry(self) -> SourceRegistry:
        """The registry under test, nothing in it."""
        raise pytest.UsageError("a subclass of SourceRegistryContract gives the fixture `registry`")

    def test_what_was_kept_comes_back_by_name(self, registry: SourceRegistry) -> None:
        """Every setting, and the absence of each."""
        at = datetime(2999, 1, 2, 3, 4, 5, tzinfo=UTC)
        photos = registry.add(PHOTOS, KEY, next_run_at=at)
        bare = registry.add(BARE, None)
        assert registry.all() == [bare, photos]
        assert registry.get("photos") == photos
        assert (photos.settings, photos.credential, photos.next_run_at) == (PHOTOS, CredentialKind.ACCOUNT_KEY, at)
        assert (bare.settings, bare.credential, bare.next_run_at) == (BARE, None, None)
        assert (bare.state, bare.last_started_at, bare.last_finished_at) == (SourceState.NEW, None, None)

    def test_a_live_index_is_kept_with_its_mapping(self, registry: SourceRegistry) -> None:
        """Every part of it, and another one in its place."""
        assert registry.add(LIVE, KEY).settings == LIVE
        assert LIVE.live is not None
        changed = replace(LIVE.live, semantic="default")
        registry.set_live("live", changed)
        assert registry.get("live").settings == replace(LIVE, live=changed)
        with pytest.raises(NotFoundError):
            registry.set_live("nowhere", changed)

    def test_a_name_or_a_place_is_kept_once(self, registry: SourceRegistry) -> None:
        """The same place may be read into another index."""
        registry.add(PHOTOS, KEY)
        for twin in (replace(BARE, name="photos"), replace(PHOTOS, name="again")):
            with pytest.raises(ConflictError):
                registry.add(twin, None)
        registry.add(replace(PHOTOS, name="again", index="others"), KEY)
        assert [s.settings.name for s in registry.all()] == ["again", "photos"]

    def test_a_credential_is_given_out_by_nothing_else(self, registry: SourceRegistry) -> None:
        """A record has its kind only, and its text shows nothing."""
        saved = registry.add(PHOTOS, KEY)
        registry.add(BARE, None)
        assert registry.credential("photos") == KEY
        assert registry.credential("bare") is None
        assert KEY.secret.reveal not in f"{saved!r} {saved} {KEY!r} {KEY} {KEY.secret}"

    def test_a_credential_can_be_replaced(self, registry: SourceRegistry) -> None:
        """By another kind, and by none."""
        registry.add(PHOTOS, KEY)
        identity = Credential(kind=CredentialKind.IDENTITY)
        registry.set_credential("photos", identity)
        assert registry.credential("photos") == identity
        assert registry.get("photos").credential is CredentialKind.IDENTITY
        registry.set_credential("photos", None)
        assert registry.credential("photos") is None

    def test_a_name_that_is_not_there_is_not_found(self, registry: SourceRegistry) -> None:
        """Whatever is asked of it."""
        registry.add(BARE, None)
        for ask in (registry.get, registry.credential, registry.remove, registry.begin):
            with pytest.raises(NotFoundError):
                ask("photos")
        with pytest.raises(NotFoundError):
            registry.set_credential("photos", KEY)
        with pytest.raises(NotFoundError):
            registry.set_schedule("photos", Schedule(), next_run_at=None)

    def test_what_is_removed_is_gone(self, registry: SourceRegistry) -> None:
        """Its name and place are free."""
        registry.add(PHOTOS, KEY)
        registry.remove("photos")
        assert registry.all() == []
        assert registry.add(PHOTOS, None).credential is None

    def test_a_source_runs_once_at_a_time(self, registry: SourceRegistry) -> None:
        """Others may run beside it."""
        registry.add(PHOTOS, KEY)
        registry.add(BARE, None)
        run = registry.begin("photos")
        assert (run.source.settings, run.source.state) == (PHOTOS, SourceState.RUNNING)
        assert run.source.last_started_at is not None
        with pytest.raises(ConflictError):
            registry.begin("photos")
        registry.renew(run.run_id)
        registry.end(registry.begin("bare").run_id, SourceState.SUCCEEDED)
        registry.end(run.run_id, SourceState.FAILED, message="The container is gone.")
        ended = registry.get("photos")
        assert (ended.state, ended.message) == (SourceState.FAILED, "The container is gone.")
        assert ended.last_finished_at is not None
        assert registry.begin("photos").run_id != run.run_id

    def test_the_longest_due_is_claimed_first_and_no_other(self, registry: SourceRegistry) -> None:
        """Each once, until it ends and is due again."""
        now = datetime.now(UTC)
        registry.add(PHOTOS, KEY, next_run_at=now - timedelta(seconds=5))
        registry.add(BARE, None, next_run_at=now - timedelta(seconds=50))
        registry.add(replace(BARE, name="later", index="x"), None, next_run_at=now + timedelta(hours=1))
        registry.add(replace(BARE, name="never", index="y"), None)
        first, second = registry.claim(), registry.claim()
        assert first is not None
        assert second is not None
        assert [first.source.settings.name, second.source.settings.name] == ["bare", "photos"]
        assert registry.claim() is None
        registry.end(first.run_id, SourceState.SUCCEEDED, next_run_at=now - timedelta(seconds=1))
        again = registry.claim()
        assert again is not None
        assert again.source.settings.name == "bare"

    def test_a_run_stays_due_until_it_ends(self, registry: SourceRegistry) -> None:
        """So that it is made up where its process dies."""
        registry.add(BARE, None)
        run = registry.begin("bare")
        due = run.source.next_run_at
        assert due is not None
        assert due <= datetime.now(UTC)
        registry.end(run.run_id, SourceState.SUCCEEDED)
        assert registry.get("bare").next_run_at is None

    def test_a_schedule_can_be_replaced(self, registry: SourceRegistry) -> None:
        """With the time it gives; asking for a run now is that."""
        registry.add(PHOTOS, KEY)
        at = datetime.now(UTC) - timedelta(seconds=1)
        registry.set_schedule("photos", Schedule(cron="0 3 * * *"), next_run_at=at)
        run = registry.claim()
        assert run is not None
        assert run.source.settings.schedule == Schedule(cron="0 3 * * *")

    def test_a_run_of_a_removed_source_is_lost(self, registry: SourceRegistry) -> None:
        """Its end is no error: there is nothing left to record."""
        registry.add(BARE, None)
        run = registry.begin("bare")
        registry.remove("bare")
        with pytest.raises(ConflictError):
            registry.renew(run.run_id)
        registry.end(run.run_id, SourceState.SUCCEEDED)
        assert registry.all() == []
