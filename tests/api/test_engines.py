"""The engine contract over the fake; `test_foveal_served.py` has it over the product."""

from __future__ import annotations

import pytest

from foveal.testing.contracts.engine import BOARD, INDEX, PARROT, EngineContract
from foveal.testing.fakes_engine import IMAGE_MAGIC, FakeEngine, fake_chunk
from foveal.types.assets import MediaKind

PICTURE_URL = "https://example.org/picture.png"


class TestFakeEngine(EngineContract):
    @pytest.fixture
    def engine(self) -> FakeEngine:
        fake = FakeEngine(
            {
                INDEX: [
                    fake_chunk("parrot.txt", PARROT),
                    fake_chunk("board.txt", BOARD, group_ids=("board",)),
                    fake_chunk("picture.png", "a picture", kind=MediaKind.IMAGE, media_type="image/png"),
                ]
            }
        )
        fake.web = {PICTURE_URL: IMAGE_MAGIC}
        fake.files = {"parrot.txt": PARROT.encode(), "board.txt": BOARD.encode()}
        return fake

    @pytest.fixture
    def picture(self) -> bytes:
        return IMAGE_MAGIC

    @pytest.fixture
    def picture_url(self) -> str:
        return PICTURE_URL
