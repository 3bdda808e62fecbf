"""`foveal feedback`."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

from foveal.runtime import Foveal
from foveal.settings import load
from foveal.types.conversations import Feedback, PersonId, Rating, Reason

from .conftest import Command


def test_feedback_is_listed_and_exported(foveal: Command, tmp_path: Path) -> None:
    with Foveal(load({"home": tmp_path / "home"})) as home:
        for day, rating, comment in ((1, Rating.UP, ""), (2, Rating.DOWN, "=1+1")):
            home.people.feedback.put(
                Feedback(
                    person=PersonId("local"),
                    answer_id=f"chatcmpl-{day}",
                    rating=rating,
                    reasons=(Reason.NOT_IN_DATA,),
                    comment=comment,
                    question="Is it\na dog?",
                    at=datetime(2024, 5, day, tzinfo=UTC),
                )
            )
    listed = foveal("feedback", "list")
    assert "2024-05-01 00:00  up    local  not in data" in listed.out
    assert "Is it a dog?" in listed.out
    assert "1 up, 1 down." in listed.err
    assert [f["answer_id"] for f in json.loads(foveal("feedback", "list", "--json", "--since", "2024-05-02").out)] == [
        "chatcmpl-2"
    ]
    lines = foveal("feedback", "export").out.splitlines()
    assert [json.loads(line)["rating"] for line in lines] == ["up", "down"]
    table = list(csv.DictReader(io.StringIO(foveal("feedback", "export", "--format", "csv").out)))
    assert [row["comment"] for row in table] == ["", "'=1+1"]  # a spreadsheet computes nothing of it
    assert foveal("feedback", "list", "--since", "soon").status == 2
