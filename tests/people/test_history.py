"""`/v1/conversations` and `/v1/shared`: kept for one person, shown as the reader may see them now."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from foveal.errors import StoreError
from foveal.pipeline.history import MOST_TURNS, title_of
from foveal.testing.fakes_engine import FakeEngine
from foveal.types.conversations import PersonId

from .conftest import DOGS, SECRET, Client

QUESTION = {"role": "user", "content": "What does the board plan?"}


def cite(chunk_id: str, **more: object) -> dict[str, object]:
    return {"chunk_id": chunk_id, "title": "as said", "content": "as said", "filepath": "as said", **more}


def answer(text: str, *citations: dict[str, object]) -> dict[str, object]:
    return {"role": "assistant", "content": text, "citations": list(citations), "id": "chatcmpl-1"}


def kept(http: httpx.Client, *messages: dict[str, object], **body: object) -> str:
    reply = http.post("/v1/conversations", json={"messages": list(messages), **body})
    assert reply.status_code == 201, reply.text
    made: str = reply.json()["id"]
    return made


def read(http: httpx.Client, conversation: str) -> dict:
    reply = http.get(f"/v1/conversations/{conversation}")
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_a_conversation_is_kept_and_comes_back_named_by_its_first_question(client: Client) -> None:
    anna = client("anna")
    made = kept(
        anna, {**QUESTION, "pictures": ["data:image/png;base64,AA=="]}, answer("Dogs [doc1].", cite(DOGS.chunk_id))
    )
    anna.post(f"/v1/conversations/{made}/messages", json={"messages": [QUESTION], "after": 2}).raise_for_status()
    shown = read(anna, made)
    assert shown["title"] == "What does the board plan?"
    assert [m["role"] for m in shown["items"]] == ["user", "assistant", "user"]
    assert shown["items"][0]["pictures"] == ["data:image/png;base64,AA=="]
    (cited,) = shown["items"][1]["citations"]
    assert cited["state"] == "here"
    assert (cited["index"], cited["title"], cited["content"]) == (
        "photos",
        "dogs",
        DOGS.content,
    )  # not as the client said
    picture = anna.get(cited["chunk"]["thumbnail_url"])
    assert picture.status_code == 200
    assert shown["items"][1]["id"] == "chatcmpl-1"


def test_what_a_chat_reply_cites_is_kept_as_it_came(client: Client) -> None:
    anna = client("anna")
    body = {
        "messages": [{"role": "user", "content": "dogs on the beach"}],
        "data_sources": [{"type": "foveal", "parameters": {"index_name": "photos"}}],
    }
    body["data_sources"][0]["type"] = "azure_search"
    body["data_sources"][0]["parameters"] |= {
        "endpoint": str(anna.base_url),
        "authentication": {"type": "system_assigned_managed_identity"},
    }
    reply = anna.post("/openai/deployments/foveal/chat/completions", params={"api-version": "2024-10-21"}, json=body)
    assert reply.status_code == 200, reply.text
    message = reply.json()["choices"][0]["message"]
    made = kept(anna, body["messages"][0], answer(message["content"], *message["context"]["citations"]))
    assert [c["state"] for c in read(anna, made)["items"][1]["citations"]] == ["here"]


def test_two_people_keep_two_histories(client: Client) -> None:
    anna, bert = client("anna"), client("bert")
    made = kept(anna, QUESTION)
    assert bert.get("/v1/conversations").json()["conversations"] == []
    assert bert.get("/v1/conversations/search", params={"q": "board"}).json()["conversations"] == []
    path = f"/v1/conversations/{made}"
    for method, at, body in (
        ("GET", path, None),
        ("PATCH", path, {"title": "Mine"}),
        ("DELETE", path, None),
        ("POST", f"{path}/messages", {"messages": [QUESTION]}),
        ("POST", f"{path}/shares", {}),
        ("GET", f"{path}/shares", None),
    ):
        assert bert.request(method, at, json=body).status_code == 404, (method, at)
    assert bert.delete("/v1/conversations").json() == {"deleted": 0}
    assert read(anna, made)["title"] == QUESTION["content"]


def test_conversations_are_renamed_hidden_found_and_deleted(client: Client) -> None:
    anna = client("anna")
    first, second = kept(anna, QUESTION), kept(anna, {"role": "user", "content": "Where do dogs run?"})

    def listed(**params: object) -> list[str]:
        return [c["id"] for c in anna.get("/v1/conversations", params=params).json()["conversations"]]

    assert listed() == [second, first]
    assert anna.patch(f"/v1/conversations/{first}", json={"title": "Lisbon"}).json()["title"] == "Lisbon"
    anna.patch(f"/v1/conversations/{second}", json={"hidden": True}).raise_for_status()
    assert (listed(), listed(hidden=True)) == ([first], [second])
    found = anna.get("/v1/conversations/search", params={"q": "DOGS run"}).json()["conversations"]
    assert [(f["id"], f["message"], f["excerpt"]) for f in found] == [(second, None, "")]
    assert anna.delete(f"/v1/conversations/{first}").status_code == 204
    assert anna.get(f"/v1/conversations/{first}").status_code == 404
    kept(anna, QUESTION)
    assert anna.delete("/v1/conversations").json() == {"deleted": 2}
    assert listed() == listed(hidden=True) == []


def test_a_long_history_comes_in_pages(client: Client) -> None:
    anna = client("anna")
    made = [kept(anna, title=str(n)) for n in range(5)]
    seen, before = [], None
    while True:
        page = anna.get("/v1/conversations", params={"limit": 2, **({"before": before} if before else {})}).json()
        seen += [c["id"] for c in page["conversations"]]
        before = page["next"]
        if before is None:
            break
    assert seen == made[::-1]


def test_two_tabs_on_one_conversation_do_not_mix(client: Client) -> None:
    anna = client("anna")
    made = kept(anna, QUESTION)
    path = f"/v1/conversations/{made}/messages"
    assert anna.post(path, json={"messages": [QUESTION], "after": 1}).status_code == 200
    late = anna.post(path, json={"messages": [QUESTION], "after": 1})
    assert late.status_code == 409
    assert "Load it again" in late.json()["error"]["innererror"]["remedy"]
    assert len(read(anna, made)["items"]) == 2


def test_a_question_asked_again_takes_the_place_of_what_came_after(client: Client) -> None:
    anna = client("anna")
    made = kept(anna, QUESTION, answer("First."), QUESTION, answer("Second."))
    body = {"messages": [answer("Another.")], "after": 4, "keep": 1}
    assert anna.post(f"/v1/conversations/{made}/messages", json=body).json()["messages"] == 2
    assert [m["content"] for m in read(anna, made)["items"]] == [QUESTION["content"], "Another."]


def test_an_answer_is_given_as_html_that_is_safe_to_show(client: Client) -> None:
    anna = client("anna")
    made = kept(anna, QUESTION, answer("**Bold** <img src=x onerror=alert(1)> [doc1]", cite(DOGS.chunk_id)))
    question, said = anna.get(f"/v1/conversations/{made}", params={"format": "html"}).json()["items"]
    assert question["blocks"] is None
    (block,) = said["blocks"]
    assert "<strong>Bold</strong>" in block
    assert "<img" not in block
    assert 'data-doc="1"' in block


def test_something_cited_that_is_gone_shows_as_removed(engine: FakeEngine, client: Client) -> None:
    anna = client("anna")
    made = kept(anna, QUESTION, answer("Dogs [doc1].", cite(DOGS.chunk_id, index="photos")))
    engine.indexes["photos"] = []
    message = read(anna, made)["items"][1]
    assert message["content"] == "Dogs [doc1]."
    assert [(c["state"], c["title"], c["chunk"]) for c in message["citations"]] == [("removed", "dogs", None)]
    del engine.indexes["photos"]
    assert read(anna, made)["items"][1]["citations"][0]["state"] == "removed"


def test_an_answer_is_kept_back_once_its_documents_are_for_others(engine: FakeEngine, client: Client) -> None:
    member = client("member", groups=("board",))
    made = kept(
        member,
        answer("Dogs run.", cite(DOGS.chunk_id)),
        QUESTION,
        answer("A merger in Lisbon [doc1].", cite(SECRET.chunk_id)),
        answer("As I said, Lisbon."),
    )
    assert "Lisbon" in member.get(f"/v1/conversations/{made}").text
    assert len(member.get("/v1/conversations/search", params={"q": "lisbon"}).json()["conversations"]) == 1
    for change in ([replace(SECRET, group_ids=("owners",))], []):  # for others; and then removed altogether
        engine.indexes["papers"] = change
        shown = member.get(f"/v1/conversations/{made}")
        if change:
            assert [m["withheld"] for m in shown.json()["items"]] == [False, False, True, True]
            assert shown.json()["withheld"] == 2
            for secret in ("Lisbon", "plan.md", SECRET.chunk_id, "papers", "as said"):
                assert secret not in shown.text
            assert member.get("/v1/conversations/search", params={"q": "lisbon"}).json()["conversations"] == []
        else:  # the member could see it when it was there
            assert "Lisbon" in shown.text


def test_a_caller_cannot_pass_for_public_what_is_not(engine: FakeEngine, client: Client) -> None:
    outsider, board = client("outsider", groups=()), client("board", groups=("board",))
    made = kept(outsider, QUESTION, answer("x", cite(SECRET.chunk_id, index="papers")))
    shown = read(outsider, made)["items"][1]
    assert shown["withheld"]
    assert shown["citations"][0]["title"] == ""
    mine = kept(board, QUESTION, answer("Lisbon", cite(SECRET.chunk_id, index="papers")))
    link = board.post(f"/v1/conversations/{mine}/shares", json={}).json()["id"]
    engine.indexes["papers"] = []
    assert "Lisbon" not in outsider.get(f"/v1/shared/{link}").text


def test_a_shared_conversation_shows_what_its_reader_may_see(engine: FakeEngine, client: Client) -> None:
    board, outsider, member = (
        client("anna", groups=("board",)),
        client("bert", groups=()),
        client("carla", groups=("board",)),
    )
    made = kept(board, QUESTION, answer("A merger in Lisbon [doc1].", cite(SECRET.chunk_id), cite(DOGS.chunk_id)))
    share = board.post(f"/v1/conversations/{made}/shares", json={}).json()
    assert share["url"].endswith(f"/shared/{share['id']}")
    board.post(f"/v1/conversations/{made}/messages", json={"messages": [{"role": "user", "content": "later"}]})
    whole, part = member.get(f"/v1/shared/{share['id']}"), outsider.get(f"/v1/shared/{share['id']}")
    assert whole.json()["items"][1]["content"] == "A merger in Lisbon [doc1]."
    assert len(whole.json()["items"]) == 2  # what was said later is not shared
    assert part.json()["withheld"] == 1
    assert [c["state"] for c in part.json()["items"][1]["citations"]] == ["withheld", "here"]
    for secret in ("Lisbon", "plan.md", SECRET.chunk_id, "papers"):
        assert secret not in part.text
    stolen = whole.json()["items"][1]["citations"][0]["chunk"]["bytes_url"]
    assert member.get(stolen).status_code == 200
    assert outsider.get(stolen).status_code == 404
    assert outsider.get(f"/v1/conversations/{made}").status_code == 404


def test_what_is_not_kept_here_is_shown_to_who_kept_it_only(client: Client) -> None:
    anna, bert = client("anna", groups=()), client("bert", groups=())
    foreign = cite("row-7", index="live", url="https://example.com/a", title="Row 7")
    made = kept(anna, QUESTION, answer("Seven.", foreign, cite("x", index="live", url="javascript:alert(1)")))
    mine = read(anna, made)["items"][1]["citations"]
    assert [(c["state"], c["title"], c["url"]) for c in mine] == [
        ("elsewhere", "Row 7", "https://example.com/a"),
        ("elsewhere", "as said", ""),
    ]
    share = anna.post(f"/v1/conversations/{made}/shares", json={}).json()["id"]
    assert bert.get(f"/v1/shared/{share}").json()["items"][1]["withheld"]


def test_a_link_opens_until_it_is_revoked_or_its_conversation_deleted(client: Client) -> None:
    anna, bert = client("anna"), client("bert")
    made = kept(anna, QUESTION)
    first, second, short = (
        anna.post(f"/v1/conversations/{made}/shares", json=body).json() for body in ({}, {}, {"days": 1e-9})
    )
    assert bert.get(f"/v1/shared/{short['id']}").status_code == 404
    assert [s["id"] for s in anna.get(f"/v1/conversations/{made}/shares").json()["shares"]] == [
        first["id"],
        second["id"],
    ]
    assert bert.delete(f"/v1/shares/{first['id']}").status_code == 404
    assert bert.get(f"/v1/shared/{first['id']}").status_code == 200
    assert anna.delete(f"/v1/shares/{first['id']}").status_code == 204
    assert bert.get(f"/v1/shared/{first['id']}").status_code == 404
    anna.delete(f"/v1/conversations/{made}")
    assert bert.get(f"/v1/shared/{second['id']}").status_code == 404


def test_chat_goes_on_when_the_history_cannot_be_reached(engine: FakeEngine, client: Client) -> None:
    anna = client("anna")
    made = kept(anna, QUESTION)
    engine.conversations.failure = StoreError("The history of conversations cannot be used: gone.", remedy="Repair it.")
    for method, path, body in (
        ("GET", "/v1/conversations", None),
        ("GET", f"/v1/conversations/{made}", None),
        ("POST", "/v1/conversations", {"messages": [QUESTION]}),
        ("POST", f"/v1/conversations/{made}/messages", {"messages": [QUESTION]}),
        ("GET", "/v1/conversations/search?q=board", None),
    ):
        reply = anna.request(method, path, json=body)
        assert reply.status_code == 503, (method, path)
        assert reply.json()["error"]["innererror"]["code"] == "history_unavailable"
        assert "go on without it" in reply.json()["error"]["innererror"]["remedy"]
    body = {"messages": [{"role": "user", "content": "hello"}]}
    chat = anna.post("/openai/deployments/foveal/chat/completions", params={"api-version": "2024-10-21"}, json=body)
    assert chat.status_code == 200
    assert anna.post("/v1/search", json={"index": "photos", "text": "dogs"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", {"messages": [{"role": "system", "content": "x"}]}),
        ("", {"messages": [{"role": "user", "content": "x", "pictures": ["data:image/svg+xml;base64,AA=="]}]}),
        ("", {"messages": [{"role": "user", "content": "x", "pictures": ["https://example.com/a.png"]}]}),
        ("", {"message": []}),
        ("/{}/messages", {"messages": [QUESTION], "keep": -1}),
        ("/{}/messages", {"messages": [QUESTION], "after": -1}),
        ("/{}/shares", {"days": 0}),
    ],
)
def test_a_body_that_does_not_fit_is_refused(client: Client, path: str, body: dict) -> None:
    anna = client("anna")
    made = kept(anna, QUESTION)
    assert anna.post("/v1/conversations" + path.format(made), json=body).status_code == 400


def test_a_conversation_has_an_end(engine: FakeEngine, client: Client) -> None:
    anna = client("anna")
    made = kept(anna)
    for _ in range(MOST_TURNS // 200):
        anna.post(f"/v1/conversations/{made}/messages", json={"messages": [QUESTION] * 200}).raise_for_status()
    full = anna.post(f"/v1/conversations/{made}/messages", json={"messages": [QUESTION]})
    assert full.status_code == 409
    assert engine.conversations.page(PersonId("key:1"))[0].turns == MOST_TURNS


def test_titles_are_one_line_cut_at_a_blank() -> None:
    assert title_of("  \n What\tis  this?\nAnd that?") == "What is this?"
    assert title_of("") == ""
    assert title_of("word " * 40) == "word " * 14 + "word…"
    assert title_of("ก" * 200) == "ก" * 79 + "…"


def test_that_the_data_had_no_answer_is_known_of_what_is_kept(client: Client) -> None:
    refusal = "The requested information is not found in the retrieved data. Please try another query or topic."
    messages = [
        {"role": "user", "content": "Who won?"},
        {"role": "assistant", "content": refusal, "citations": [{"index": "photos", "chunk_id": DOGS.chunk_id}]},
        {"role": "user", "content": "Is there a dog?"},
        {"role": "assistant", "content": "Yes [doc1].", "citations": [{"index": "photos", "chunk_id": DOGS.chunk_id}]},
    ]
    anna = client("anna")
    kept = anna.post("/v1/conversations", json={"messages": messages}).json()
    items = anna.get(f"/v1/conversations/{kept['id']}").json()["items"]
    assert [item["answered"] for item in items] == [True, False, True, True]
    assert [one["chunk_id"] for one in items[1]["citations"]] == [DOGS.chunk_id]
