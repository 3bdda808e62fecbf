"""`/v1/feedback`: what people say of answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from foveal.types.keys import Role

from .conftest import DOGS, SECRET, Client

DOWN = {
    "answer_id": "chatcmpl-1",
    "rating": "down",
    "reasons": ["wrong", "other"],
    "comment": "It is a wolf.",
    "question": "Is it a dog?",
    "answer": "Yes [doc1].",
}


def test_what_people_say_is_kept_for_owners(client: Client) -> None:
    anna, owner = client("anna"), client("owner", role=Role.OWNER)
    body = {**DOWN, "citations": [{"chunk_id": DOGS.chunk_id, "content": "x"}]}
    assert anna.put("/v1/feedback", json={**body, "rating": "up"}).status_code == 204
    assert anna.put("/v1/feedback", json=body).status_code == 204  # a change of mind
    assert owner.put("/v1/feedback", json={"answer_id": "chatcmpl-2", "rating": "up"}).status_code == 204
    first, second = owner.get("/v1/feedback").json()["feedback"]
    assert (first["person"], first["rating"], first["reasons"]) == ("key:1", "down", ["wrong", "other"])
    assert first["citations"] == [f"photos/{DOGS.chunk_id}"]
    assert (first["comment"], first["question"], first["answer"]) == ("It is a wolf.", "Is it a dog?", "Yes [doc1].")
    assert second["answer_id"] == "chatcmpl-2"
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert owner.get("/v1/feedback", params={"since": later}).json() == {"feedback": []}
    assert anna.get("/v1/feedback").status_code == 403


def test_it_can_be_taken_back_by_who_gave_it(client: Client) -> None:
    anna, owner = client("anna"), client("owner", role=Role.OWNER)
    anna.put("/v1/feedback", json=DOWN)
    owner.delete("/v1/feedback/chatcmpl-1")
    assert len(owner.get("/v1/feedback").json()["feedback"]) == 1
    assert anna.delete("/v1/feedback/chatcmpl-1").status_code == 204
    assert owner.get("/v1/feedback").json() == {"feedback": []}


def test_an_owner_of_some_groups_reads_no_words_that_rest_on_others(client: Client) -> None:
    board, owner = client("anna", groups=("board",)), client("owner", role=Role.OWNER, groups=())
    board.put("/v1/feedback", json={**DOWN, "answer": "Lisbon", "citations": [{"chunk_id": SECRET.chunk_id}]})
    board.put("/v1/feedback", json={**DOWN, "answer_id": "2", "citations": [{"chunk_id": DOGS.chunk_id}]})
    reply = owner.get("/v1/feedback")
    assert [f["withheld"] for f in reply.json()["feedback"]] == [True, False]
    for secret in ("Lisbon", SECRET.chunk_id):
        assert secret not in reply.text


def test_a_reason_that_is_none_is_refused(client: Client) -> None:
    anna = client("anna")
    assert anna.put("/v1/feedback", json={**DOWN, "reasons": ["because"]}).status_code == 400
    assert anna.put("/v1/feedback", json={**DOWN, "rating": "sideways"}).status_code == 400
