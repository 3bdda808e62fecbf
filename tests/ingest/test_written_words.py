"""What people write on images of a source that is not theirs: it wins, and outlives refreshes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from foveal.types.conversations import PersonId
from foveal.types.ingestions import IngestionState

from .conftest import INDEX, Home

ANNA = PersonId("account:anna")
Photo = Callable[..., Path]


def test_words_of_a_person_win_and_a_refresh_keeps_them(home: Home, photo: Photo) -> None:
    photo("a.png", 1)
    photo("b.png", 2)
    entries = [
        {"image_blob_path": name, "description": f"The source's words on {name}."} for name in ("a.png", "b.png")
    ]
    (home.photos / "metadata.json").write_text(json.dumps(entries))
    home.ingest()
    source = home.request().source.name
    home.words.write(INDEX, source, "a.png", "A ferry in the harbour.", by=ANNA)
    again = home.ingest()
    assert (again.state, again.counts.changed, again.counts.unchanged) == (IngestionState.SUCCEEDED, 1, 1)
    assert home.chunks()["a.png#0"].description == "A ferry in the harbour."
    assert "ferry" in home.chunks()["a.png#0"].content
    assert home.chunks()["b.png#0"].description == "The source's words on b.png."

    entries[0]["description"] = "The source has thought again."
    (home.photos / "metadata.json").write_text(json.dumps(entries))
    assert home.ingest().counts.changed == 0
    assert home.chunks()["a.png#0"].description == "A ferry in the harbour."

    home.words.write(INDEX, source, "a.png", "", by=ANNA)
    home.ingest()
    assert home.chunks()["a.png#0"].description == "The source has thought again."


def test_the_plan_knows_of_them_and_no_image_model_is_asked_again(home: Home, photo: Photo) -> None:
    from foveal.pipeline.plan import Planner

    photo("a.png", 1)
    home.ingest()
    home.words.write(INDEX, home.request().source.name, "a.png", "A ferry.", by=ANNA)
    planner = Planner(catalog=home.catalog, log=home.log, preparer=home.preparer(), workers=1, words=home.words)
    assert planner.plan(home.request()).counts.changed == 1
    before = home.encoder.calls
    home.ingest()
    assert home.encoder.calls == before
