"""`PATCH /v1/indexes/{index}/chunks/{chunk}`: other words on an image, wherever it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.testing.fakes_engine import FakeEngine, fake_chunk
from foveal.testing.fakes_keys import InMemoryApiKeys
from foveal.types.assets import MediaKind
from foveal.types.ingestions import JobOrder
from foveal.types.keys import KeyGrant, Role

DOGS = fake_chunk("dogs.jpg", "Two dogs.", kind=MediaKind.IMAGE, media_type="image/jpeg", source="/trip")
SECRET = fake_chunk(
    "plan.jpg", "A plan.", kind=MediaKind.IMAGE, media_type="image/jpeg", source="/trip", group_ids=("board",)
)
PAPER = fake_chunk("rules.pdf", "The harbour opens at nine.", media_type="application/pdf", source="/trip")
WORDS = {"description": "  Two dogs race along the beach. "}


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine({"photos": [DOGS, SECRET, PAPER]})


@pytest.fixture
def client(engine: FakeEngine, serve: Callable[[ASGIApp], str]) -> Iterator[Callable[..., httpx.Client]]:
    keys = InMemoryApiKeys()
    opened: list[httpx.Client] = []
    url = serve(create_app(engine, keys=keys))

    def made(name: str, role: Role = Role.CONTRIBUTOR, groups: tuple[str, ...] | None = None) -> httpx.Client:
        key = keys.create(KeyGrant(name=name, role=role, groups=groups))[1]
        opened.append(httpx.Client(base_url=url, headers={"api-key": key}, timeout=20, trust_env=False))
        return opened[-1]

    yield made
    for one in opened:
        one.close()


def _at(chunk_id: str) -> str:
    return f"/v1/indexes/photos/chunks/{chunk_id}"


def test_words_are_kept_and_the_folder_is_read_again_as_it_was_read_last(
    engine: FakeEngine, client: Callable[..., httpx.Client]
) -> None:
    order = JobOrder(index="photos", source="/trip", descriptions="/words.json", groups=("staff",))
    engine.log.enqueue(order)
    claimed = engine.log.claim()
    assert claimed is not None
    reply = client("anna").patch(_at(DOGS.chunk_id), json=WORDS)
    assert reply.status_code == 200, reply.text
    assert reply.json()["description"] == "Two dogs race along the beach."
    assert engine.written_words.of("photos", "/trip") == {"dogs.jpg": "Two dogs race along the beach."}
    job = engine.log.get(reply.json()["job_id"])
    assert job.order == order
    assert job.ingestion_id != claimed.ingestion_id


def test_what_may_not_be_seen_or_changed_or_is_no_image_is_refused(
    engine: FakeEngine, client: Callable[..., httpx.Client]
) -> None:
    engine.log.enqueue(JobOrder(index="photos", source="/trip"))
    assert client("reader", Role.READER).patch(_at(DOGS.chunk_id), json=WORDS).status_code == 403
    assert client("other", groups=("staff",)).patch(_at(SECRET.chunk_id), json=WORDS).status_code == 404
    assert client("anna").patch(_at(PAPER.chunk_id), json=WORDS).status_code == 400
    assert client("bert").patch(_at(DOGS.chunk_id), json={"description": "x", "more": 1}).status_code == 400
    assert engine.written_words.of("photos", "/trip") == {}


def test_nothing_is_kept_where_it_cannot_be_read_again(engine: FakeEngine, client: Callable[..., httpx.Client]) -> None:
    reply = client("anna").patch(_at(DOGS.chunk_id), json=WORDS)
    assert reply.status_code == 409
    assert "Ingest it again" in reply.text
    assert engine.written_words.of("photos", "/trip") == {}
