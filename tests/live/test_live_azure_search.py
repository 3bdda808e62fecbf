"""S5: an index of Azure AI Search used live: searched, asked, cited, never copied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from foveal.asgi import create_app
from foveal.errors import (
    ConflictError,
    FilterError,
    IndexNotFoundError,
    InvalidRequestError,
    LiveIndexBusyError,
    SourceUnusableError,
)
from foveal.runtime import Foveal
from foveal.settings.answers import Live
from foveal.sources.azure_search import AzureSearchIndex
from foveal.testing.contracts.live_index import QUESTION, SETTINGS
from foveal.testing.serving import served
from foveal.types.chat import DataSource
from foveal.types.live import LiveQuery
from foveal.types.live_settings import FieldsMapping, LiveSettings
from foveal.types.search import Leg, Mode, Query
from foveal.types.sources import Credential, CredentialKind, Secret, SourceDraft, SourceKind

from .conftest import KEY, OPENER, TEXTS, Service, wire

QUESTION_WORDS = "After which time does the dental plan pay for a crown?"
PLAIN, EXTENSIONS = (
    "/openai/deployments/foveal/chat/completions",
    "/openai/deployments/foveal/extensions/chat/completions",
)


def keys(found: Any) -> list[str]:
    return [hit.chunk.chunk_id for hit in found.hits]


# --- what is saved


def test_the_mapping_is_guessed_from_the_definition_and_kept(benefits: Service, home: Foveal) -> None:
    kept = home.sources.get("plans").settings.live
    assert kept is not None
    assert kept.mapping == FieldsMapping(
        content=("content",), title="title", url="url", filepath="file", vectors=("vector",)
    )
    assert (kept.key, kept.groups_field, kept.semantic) == ("id", "groups", "default")
    assert kept.dimensions == (("vector", home.models.queries.dim),)
    report = home.sources.test("plans")
    assert report.files == len(TEXTS)
    assert report.live is not None
    assert not report.live.problems
    assert ("groups", "Collection(Edm.String)") in report.live.fields


def test_what_will_not_work_is_told(service: Service, home: Foveal) -> None:
    service.make(wire("odd", 7), [{"id": "1", "content": "x", "vector": [1.0] * 7}])
    live = LiveSettings(endpoint=service.url, index="odd", semantic="missing")
    draft = SourceDraft(name="odd", kind=SourceKind.AZURE_SEARCH, index="odd", live=live)
    report = home.sources.try_out(home.sources.settle(draft, OPENER), OPENER).live
    assert report is not None
    assert {"content", "title", "groups_field"} <= set(report.guessed)
    told = " ".join(report.problems)
    assert "vectors of 7 numbers" in told
    assert "no semantic configuration missing" in told
    wrong = replace(draft, live=replace(live, mapping=FieldsMapping(title="headline")))
    with pytest.raises(InvalidRequestError, match="headline"):
        home.sources.try_out(home.sources.settle(wrong, OPENER), OPENER)


def test_a_live_index_has_no_schedule_no_refresh_and_no_files(benefits: Service, home: Foveal) -> None:
    for refused in (
        lambda: home.sources.refresh("plans"),
        lambda: home.sources.plan("plans"),
        lambda: home.sources.ask("plans"),
        lambda: home.sources.set_schedule("plans", every="1d"),
    ):
        with pytest.raises(InvalidRequestError):
            refused()
    with pytest.raises(ConflictError):
        home.delete_index("plans")
    with pytest.raises(ConflictError):
        home.parts.ensure_index("plans")
    status = home.index_status("plans")
    assert (status.live, status.documents) == (True, len(TEXTS))
    assert "plans" in home.index_names()


# --- how it is searched


@pytest.mark.parametrize(
    ("source", "words", "vectors", "query_type"),
    [
        (DataSource(index="plans", mode=Mode.KEYWORD), True, 0, None),
        (DataSource(index="plans", mode=Mode.VECTOR), False, 1, None),
        (DataSource(index="plans", mode=Mode.HYBRID), True, 1, None),
        (DataSource(index="plans", mode=Mode.SEMANTIC, vectorless=True), True, 0, "semantic"),
        (DataSource(index="plans", mode=Mode.SEMANTIC), True, 1, "semantic"),
    ],
    ids=["simple", "vector", "vector_simple_hybrid", "semantic", "vector_semantic_hybrid"],
)
def test_each_of_the_five_query_types_is_the_services_own(
    benefits: Service, home: Foveal, source: DataSource, words: bool, vectors: int, query_type: str | None
) -> None:
    found = home.parts.retrieving.retrieve(source, Query(text=QUESTION_WORDS, mode=source.mode, strictness=2))
    sent = benefits.searches[-1]
    assert bool(sent.get("search")) is words
    assert len(sent.get("vectorQueries") or ()) == vectors
    assert sent.get("queryType") == query_type
    assert sent.get("semanticConfiguration") == ("default" if query_type else None)
    chunk = found.hits[0].chunk
    assert (chunk.chunk_id, chunk.content, chunk.title) == ("dental", TEXTS["dental"], "Dental")
    assert (chunk.url, chunk.filepath) == ("https://example.org/dental", "dental.md")
    assert (found.hits[0].rerank_score is not None) is (query_type is not None)
    legs = {leg.leg for leg in found.hits[0].legs}
    assert legs == {*([Leg.KEYWORD] if words else []), *([Leg.TEXT] if vectors else [])}


def test_strictness_sets_aside_what_does_not_answer(benefits: Service, home: Foveal) -> None:
    for mode in (Mode.VECTOR, Mode.HYBRID):
        source = DataSource(index="plans", mode=mode)
        right = home.parts.retrieving.retrieve(source, Query(text=QUESTION_WORDS, mode=mode, strictness=3))
        assert keys(right)[0] == "dental"
        assert "parking" not in keys(right)
        wrong = home.parts.retrieving.retrieve(
            source, Query(text="Which moons does the planet Neptune have?", mode=mode, strictness=3)
        )
        assert keys(wrong) == []
        assert wrong.rejected


def test_without_a_semantic_configuration_the_homes_own_re_ranker_judges(
    service: Service, home: Foveal, written: list[dict[str, Any]]
) -> None:
    definition = wire("plain", home.models.queries.dim)
    del definition["semantic"]
    service.make(definition, written)
    draft = SourceDraft(
        name="plain",
        kind=SourceKind.AZURE_SEARCH,
        index="plain",
        live=LiveSettings(endpoint=service.url, index="plain"),
    )
    home.sources.add(home.sources.settle(draft, OPENER), OPENER)
    try:
        found = home.search("plain", Query(text=QUESTION_WORDS, mode=Mode.SEMANTIC))
        assert service.searches[-1].get("queryType") is None
        assert keys(found)[0] == "dental"
        assert found.hits[0].rerank_score is not None
        assert found.hits[0].extract is not None
    finally:
        home.sources.remove("plain")


def test_a_filter_goes_to_the_service_as_it_is_written(benefits: Service, home: Foveal) -> None:
    where = home.parse_filter("search.in(id, 'vision,parking') and url ne 'it''s'", "plans")
    found = home.search("plans", Query(text="What is free or paid?", filter=where))
    assert set(keys(found)) == {"vision", "parking"}
    assert benefits.searches[-1]["filter"] == "(search.in(id, 'vision,parking') and url ne 'it''s')"
    with pytest.raises(FilterError, match="not closed"):
        home.parse_filter("id eq 'x') or (true", "plans")
    with pytest.raises(SourceUnusableError, match="nothing") as refused:
        home.search("plans", Query(text="x", filter=home.parse_filter("nothing eq 1", "plans")))
    assert refused.value.reason == "refused"


@pytest.mark.parametrize("mode", list(Mode))
def test_groups_are_applied_inside_the_services_search(benefits: Service, home: Foveal, mode: Mode) -> None:
    def seen(groups: tuple[str, ...] | None) -> list[str]:
        return keys(home.search("plans", Query(text="Who pays the dental board in gold?", mode=mode, groups=groups)))

    assert "salaries" in seen(None)
    assert "salaries" in seen(("board", "others"))
    assert "salaries" not in seen(())
    assert "salaries" not in seen(("o'hara",))
    assert "groups/any(" in benefits.searches[-1]["filter"]


def test_an_index_for_some_groups_shows_nothing_to_others(
    service: Service, home: Foveal, written: list[dict[str, Any]]
) -> None:
    service.make(wire("secret", home.models.queries.dim), written)
    live = LiveSettings(endpoint=service.url, index="secret")
    draft = SourceDraft(name="secret", kind=SourceKind.AZURE_SEARCH, index="secret", groups=("hr",), live=live)
    home.sources.add(home.sources.settle(draft, OPENER), OPENER)
    try:
        assert keys(home.search("secret", Query(text=QUESTION_WORDS, groups=("hr",))))
        asked = len(service.searches)
        assert keys(home.search("secret", Query(text=QUESTION_WORDS, groups=("press",)))) == []
        assert len(service.searches) == asked
    finally:
        home.sources.remove("secret")


# --- in a conversation


@pytest.fixture
def chat(home: Foveal) -> Iterator[httpx.Client]:
    with served(create_app(home)) as url, httpx.Client(base_url=url, trust_env=False, timeout=60) as http:
        yield http


def asked(parameters: dict[str, Any], kind: str, key: str = "data_sources") -> dict[str, Any]:
    return {
        "messages": [{"role": "user", "content": QUESTION_WORDS}],
        key: [{"type": kind, "parameters": parameters}],
    }


QUERY_TYPES = ["simple", "semantic", "vector", "vector_simple_hybrid", "vector_semantic_hybrid"]


@pytest.mark.parametrize("query_type", QUERY_TYPES)
def test_a_chat_of_2024_is_answered_from_the_service(benefits: Service, chat: httpx.Client, query_type: str) -> None:
    parameters = {"index_name": "plans", "query_type": query_type, "filter": "id ne 'vision'"}
    body = asked(parameters | {"semantic_configuration": "default"}, "azure_search")
    reply = chat.post(PLAIN, json=body, params={"api-version": "2024-10-21"})
    assert reply.status_code == 200, reply.text
    message = reply.json()["choices"][0]["message"]
    first = message["context"]["citations"][0]
    assert (first["title"], first["url"], first["filepath"]) == ("Dental", "https://example.org/dental", "dental.md")
    assert "[doc1]" in message["content"]
    assert benefits.searches[-1]["filter"] == "(id ne 'vision')"
    assert benefits.searches[-1].get("queryType") == ("semantic" if "semantic" in query_type else None)
    assert bool(benefits.searches[-1].get("vectorQueries")) is query_type.startswith("vector")


def test_a_chat_of_2023_names_it_in_camel_case(benefits: Service, chat: httpx.Client) -> None:
    body = asked(
        {"indexName": "plans", "queryType": "vectorSimpleHybrid", "topNDocuments": 3},
        "AzureCognitiveSearch",
        "dataSources",
    )
    reply = chat.post(EXTENSIONS, json=body, params={"api-version": "2023-08-01-preview"})
    assert reply.status_code == 200, reply.text
    assert '"dental.md"' in reply.json()["choices"][0]["message"]["context"]["messages"][0]["content"]


def test_a_saved_index_stands_for_the_services_own_name(benefits: Service, home: Foveal) -> None:
    host = benefits.url.removeprefix("http://")
    assert home.mapped_index(host, "benefits") == "plans"
    assert home.mapped_index(host, "others") is None
    assert home.mapped_index("elsewhere.search.windows.net", "benefits") is None


def test_a_failure_of_the_service_reaches_the_client_in_on_your_datas_words(
    benefits: Service, home: Foveal, chat: httpx.Client
) -> None:
    home.sources.set_credential("plans", Credential(kind=CredentialKind.ACCOUNT_KEY, secret=Secret("rotated")))
    reply = chat.post(PLAIN, json=asked({"index_name": "plans"}, "azure_search"), params={"api-version": "2024-10-21"})
    assert reply.status_code == 400, reply.text
    message = reply.json()["error"]["message"]
    assert message.startswith("Invalid AzureCognitiveSearch configuration detected: ")
    assert message.rstrip().endswith(("Azure Search Error: 401", "Azure Search Error: 403"))
    assert "rotated" not in message
    home.sources.set_credential("plans", OPENER)
    assert chat.post(
        PLAIN, json=asked({"index_name": "plans"}, "azure_search"), params={"api-version": "2024-10-21"}
    ).is_success


# --- what goes wrong


@pytest.mark.parametrize(
    ("settings", "key", "reason"),
    [
        ({"index": "missing"}, KEY, "not_found"),
        ({}, "no-key-of-it", "denied"),
        ({"endpoint": "http://127.0.0.1:9"}, KEY, "unreachable"),
    ],
)
def test_each_failure_says_what_it_is(handbook: Service, settings: dict[str, str], key: str, reason: str) -> None:
    opener = Credential(kind=CredentialKind.ACCOUNT_KEY, secret=Secret(key))
    index = AzureSearchIndex(replace(SETTINGS, **({"endpoint": handbook.url} | settings)), opener, retries=0)  # type: ignore[arg-type]
    for call in (index.describe, lambda: index.search(LiveQuery(text="x"))):
        with pytest.raises(SourceUnusableError) as failed:
            call()
        assert failed.value.reason == reason
        assert key not in str(failed.value)


def scripted(*replies: Response) -> ASGIApp:
    """A service that says what the real one was recorded to say; the last reply again and again."""
    left = list(replies)

    async def answer(request: Request) -> Response:
        return left.pop(0) if len(left) > 1 else left[0]

    app = Starlette()
    app.add_route("/{path:path}", answer, methods=["GET", "POST"])
    return app


def results(*values: dict[str, Any], status: int = 200, **more: Any) -> JSONResponse:
    return JSONResponse({"value": list(values), **more}, status)


def scripted_index(serve: Callable[[ASGIApp], str], *replies: Response) -> AzureSearchIndex:
    settings = replace(SETTINGS, endpoint=serve(scripted(*replies)), semantic="default")
    return AzureSearchIndex(settings, OPENER, retries=0)


def test_captions_and_answers_of_the_semantic_ranker_come_with_what_they_mark(serve: Callable[[ASGIApp], str]) -> None:
    caption = {"text": "A crown is paid.", "highlights": "A <em>crown</em> is <em>paid</em>."}
    answers = [{"key": "dental", "text": "Paid.", "highlights": "<em>Paid</em>.", "score": 0.93}]
    hit = {"@search.score": 0.03, "@search.rerankerScore": 2.9, "@search.captions": [caption], "id": "dental"}
    index = scripted_index(serve, results(hit, **{"@search.answers": answers}))
    found = index.search(LiveQuery(text="crown", rerank=True))
    (first,) = found.hits
    assert (first.rerank_score, first.caption and first.caption.text) == (2.9, "A crown is paid.")
    assert first.caption is not None
    assert [first.caption.text[a:b] for a, b in first.caption.highlights] == ["crown", "paid"]
    ((key, extract),) = found.answers
    assert (key, extract.text, extract.score) == ("dental", "Paid.", 0.93)
    assert not found.partial


def test_a_partial_reply_of_the_semantic_ranker_keeps_the_hits_and_says_so(serve: Callable[[ASGIApp], str]) -> None:
    reason = {
        "@search.semanticPartialResponseReason": "capacityOverloaded",
        "@search.semanticPartialResponseType": "baseResults",
    }
    index = scripted_index(serve, results({"@search.score": 1.5, "id": "dental"}, status=206, **reason))
    found = index.search(LiveQuery(text="crown", rerank=True))
    assert [hit.key for hit in found.hits] == ["dental"]
    assert found.partial


def test_cosines_come_from_the_score_of_a_vector_search_that_tells_no_more(serve: Callable[[ASGIApp], str]) -> None:
    index = scripted_index(serve, results({"@search.score": 1 / (1 + 0.25), "id": "dental"}))
    (hit,) = index.search(LiveQuery(text="crown", words=False, vectors={"vector": QUESTION})).hits
    assert hit.cosines["vector"] == pytest.approx(0.75)


def test_the_services_own_vectorizer_gets_the_words(handbook: Service) -> None:
    index = AzureSearchIndex(replace(SETTINGS, endpoint=handbook.url), OPENER, retries=0)
    with pytest.raises(SourceUnusableError):  # this stand-in has no vectorizer for four numbers
        index.search(LiveQuery(text="crown", words=False, vectorize=("vector",)))
    assert handbook.searches[-1]["vectorQueries"][0] | {"k": 0} == {
        "kind": "text",
        "text": "crown",
        "fields": "vector",
        "k": 0,
    }


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_told_from_a_wrong_one(serve: Callable[[ASGIApp], str], status: int) -> None:
    error = {"error": {"code": "", "message": "You have exceeded the number of requests per second."}}
    index = scripted_index(serve, JSONResponse(error, status))
    with pytest.raises(LiveIndexBusyError, match="requests per second") as busy:
        index.search(LiveQuery(text="x"))
    assert busy.value.status == 503


def test_a_key_that_may_not_read_the_definition_lets_the_fields_be_seen_in_a_document(
    serve: Callable[[ASGIApp], str],
) -> None:
    document = {"id": "1", "chunk": "words", "title": "T", "group_ids": ["a"], "text_vector": [0.1] * 8}
    forbidden = JSONResponse({"error": {"code": "Forbidden", "message": "no"}}, 403)
    index = scripted_index(
        serve, forbidden, results({"@search.score": 1.0, **document}), Response("3", media_type="text/plain")
    )
    described = index.describe()
    assert described.sampled
    assert {f.name: f.dimensions for f in described.fields if f.dimensions is not None} == {"text_vector": 8}
    assert next(f for f in described.fields if f.key).name == "id"


def test_an_unknown_live_index_is_no_index(home: Foveal) -> None:
    with pytest.raises(IndexNotFoundError):
        home.search("plans-that-were", Query(text="x"))


# --- named by a request


@pytest.fixture
def passing(home: Foveal, benefits: Service) -> Iterator[tuple[httpx.Client, str]]:
    """A server whose operator lets requests name the service, and how a request names it."""
    host = benefits.url.removeprefix("http://").replace("127.0.0.1", "localhost")
    settings = home.settings.model_copy(update={"live": Live(endpoints=f"contoso.search.windows.net, http://{host}")})
    with Foveal(settings) as foveal, served(create_app(foveal)) as url:
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as http:
            yield http, f"https://{host}/"


def test_a_listed_service_is_searched_with_the_key_of_the_request(
    benefits: Service, passing: tuple[httpx.Client, str]
) -> None:
    http, endpoint = passing
    parameters: dict[str, Any] = {
        "endpoint": endpoint,
        "index_name": "benefits",
        "authentication": {"type": "api_key", "key": KEY},
        "query_type": "vector_simple_hybrid",
    }
    reply = http.post(PLAIN, json=asked(parameters, "azure_search"), params={"api-version": "2024-10-21"})
    assert reply.status_code == 200, reply.text
    assert reply.json()["choices"][0]["message"]["context"]["citations"][0]["filepath"] == "dental.md"
    assert benefits.searches[-1]["vectorQueries"]
    flat = {"endpoint": endpoint, "key": KEY, "indexName": "benefits", "fieldsMapping": {"contentFields": "title"}}
    body = asked(flat, "AzureCognitiveSearch", "dataSources")
    reply = http.post(EXTENSIONS, json=body, params={"api-version": "2023-08-01-preview"})
    assert reply.status_code == 200, reply.text
    assert benefits.searches[-1]["select"] == "id,title,url,file"
    for wrong in ({"type": "api_key", "key": "another"}, {"type": "system_assigned_managed_identity"}):
        body = asked(parameters | {"authentication": wrong}, "azure_search")
        reply = http.post(PLAIN, json=body, params={"api-version": "2024-10-21"})
        assert reply.status_code == 400
        assert "Invalid AzureCognitiveSearch configuration" in reply.json()["error"]["message"]
        assert "another" not in reply.text


@pytest.mark.parametrize(
    "endpoint",
    ["https://fabrikam.search.windows.net", "https://contoso.search.windows.net.x.net", "https://x@169.254.169.254"],
)
def test_no_other_address_is_ever_spoken_to(
    benefits: Service, passing: tuple[httpx.Client, str], endpoint: str
) -> None:
    parameters = {"endpoint": endpoint, "index_name": "benefits", "authentication": {"type": "api_key", "key": KEY}}
    reply = passing[0].post(PLAIN, json=asked(parameters, "azure_search"), params={"api-version": "2024-10-21"})
    assert reply.status_code == 400
    assert "cannot be reached" in reply.json()["error"]["message"]
    assert not benefits.searches


@pytest.mark.parametrize(
    ("listed", "host", "address"),
    [
        ("a.example.com", "a.example.com", "https://a.example.com"),
        ("a.example.com", "A.example.com", "https://a.example.com"),
        ("a.example.com", "b.a.example.com", None),
        ("*.search.windows.net", "x.search.windows.net", "https://x.search.windows.net"),
        ("*.search.windows.net", "search.windows.net", None),
        ("*.search.windows.net", "evilsearch.windows.net", None),
        ("http://es.local:9200/", "es.local:9200", "http://es.local:9200"),
        ("http://es.local:9200", "es.local", None),
        ("", "", None),
    ],
)
def test_a_host_is_listed_as_a_whole(listed: str, host: str, address: str | None) -> None:
    assert Live(endpoints=listed).address(host) == address


@pytest.mark.parametrize("wrong", ["ftp://x", "https://", "a/b", "*"])
def test_an_entry_that_is_no_host_is_refused_at_start(wrong: str) -> None:
    with pytest.raises(ValueError, match="no host"):
        Live(endpoints=wrong)
