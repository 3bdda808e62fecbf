"""On Your Data's parameters: what each may be, what it does, and where an index is looked for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from foveal.api.azure_openai.data_sources import DataSources, read_sources
from foveal.api.errors import BodyError, SourceError
from foveal.testing.fakes_engine import FakeEngine, fake_chunk
from foveal.types.chat import REFUSAL, REFUSAL_OF_2023
from foveal.types.filters import Comparison
from foveal.types.live_settings import FieldsMapping
from foveal.types.status import Deployment

from .wire import DOGS_QUESTION, EXTENSIONS, PLAIN, answered, ask, body, events, plain_body

OUTSIDE = "https://contoso.search.windows.net"


def search_source(**parameters: object) -> dict[str, Any]:
    return {"type": "azure_search", "parameters": {"index_name": "photos", **parameters}}


def read(engine: FakeEngine, *sources: dict[str, Any], here: str = "") -> DataSources:
    return read_sources(list(sources), engine, groups=None, here=here)


def message_of(response: httpx.Response) -> str:
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["code"] == 400
    return str(error["message"])


# --- where an index is looked for


@pytest.mark.parametrize(
    "endpoint",
    [
        None,
        "",
        "http://localhost",
        "http://localhost:8808/",
        "https://127.0.0.1:443",
        "http://[::1]:9",
        "https://foveal.example.com",
        "https://FOVEAL.example.com/",
    ],
)
def test_an_index_of_this_server_is_found_by_its_name(engine: FakeEngine, endpoint: str | None) -> None:
    got = read(engine, search_source(endpoint=endpoint), here="https://foveal.example.com/")
    assert [source.index for source in got.sources] == ["photos"]


@pytest.mark.parametrize(
    "endpoint", [OUTSIDE, "https://x", "10.0.0.7", "http://[", "$SearchEndpoint", "127.0.0.1.x.net"]
)
def test_an_endpoint_elsewhere_is_out_of_reach_even_when_an_index_has_that_name(
    engine: FakeEngine, endpoint: str
) -> None:
    with pytest.raises(SourceError, match=r"under \[sources\]"):
        read(engine, search_source(endpoint=endpoint), here="https://foveal.example.com/")


def test_what_is_out_of_reach_gets_the_services_error_that_says_how_to_map_it(http: httpx.Client) -> None:
    text = message_of(ask(http, PLAIN, body(endpoint=OUTSIDE)))
    assert text.startswith("Invalid AzureCognitiveSearch configuration detected: ")
    assert text.endswith("Azure Search Error: 404")
    assert '"contoso.search.windows.net/photos" = "NAME"' in text


def test_a_mapped_endpoint_is_answered_from_the_local_index(http: httpx.Client, engine: FakeEngine) -> None:
    engine.mapped["contoso.search.windows.net", "products"] = "photos"
    reply = answered(ask(http, PLAIN, body(index="products", endpoint=f"{OUTSIDE}/")))
    assert reply["choices"][0]["message"]["context"]["citations"][0]["filepath"] == "dogs.jpg"


def test_the_operators_table_wins_over_an_index_of_that_name(engine: FakeEngine) -> None:
    engine.mapped["", "photos"] = "texts"
    assert read(engine, search_source()).sources[0].index == "texts"


def test_a_table_that_names_a_missing_index_is_told_so(engine: FakeEngine) -> None:
    engine.mapped["contoso.search.windows.net", "photos"] = "phots"
    with pytest.raises(SourceError, match=r"There is no index phots\. There is: photos"):
        read(engine, search_source(endpoint=OUTSIDE))


# --- the other kinds of source

MAPPING = {"content_fields": ["text"], "vector_fields": ["v"]}
EMBEDDING = {"type": "deployment_name", "deployment_name": "ada"}
KINDS: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "azure_cosmos_db": (
        {
            "authentication": {"type": "connection_string", "connection_string": "mongodb://x"},
            "database_name": "Shop",
            "container_name": "pictures",
            "index_name": "vectors",
            "fields_mapping": MAPPING,
            "embedding_dependency": EMBEDDING,
        },
        ("shop", "pictures"),
    ),
    "elasticsearch": (
        {
            "endpoint": "https://es.example.com:9200",
            "index_name": "pictures",
            "authentication": {"type": "key_and_key_id", "key": "k", "key_id": "i"},
        },
        ("es.example.com:9200", "pictures"),
    ),
    "pinecone": (
        {
            "environment": "us-east1-gcp",
            "index_name": "pictures",
            "authentication": {"type": "api_key", "key": "k"},
            "fields_mapping": MAPPING,
            "embedding_dependency": EMBEDDING,
        },
        ("us-east1-gcp", "pictures"),
    ),
    "azure_ml_index": (
        {
            "project_resource_id": "/subscriptions/x/projects/p",
            "name": "pictures",
            "version": "2",
            "authentication": {"type": "system_assigned_managed_identity"},
        },
        ("/subscriptions/x/projects/p", "pictures"),
    ),
    "mongo_db": (
        {
            "endpoint": "cluster.mongodb.net",
            "app_name": "app",
            "database_name": "Shop",
            "collection_name": "pictures",
            "index_name": "vectors",
            "authentication": {"type": "username_and_password", "username": "u", "password": "p"},
            "fields_mapping": MAPPING,
            "embedding_dependency": EMBEDDING,
        },
        ("cluster.mongodb.net", "pictures"),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_another_kind_of_source_is_answered_from_the_index_that_stands_in_for_it(
    http: httpx.Client, engine: FakeEngine, kind: str
) -> None:
    parameters, key = KINDS[kind]
    engine.mapped[key] = "photos"
    asked = plain_body(DOGS_QUESTION, data_sources=[{"type": kind, "parameters": parameters}])
    reply = answered(ask(http, PLAIN, asked, "2024-05-01-preview"))
    assert reply["choices"][0]["message"]["context"]["citations"][0]["filepath"] == "dogs.jpg"


@pytest.mark.parametrize("kind", KINDS)
def test_another_kind_of_source_that_nothing_stands_in_for_is_out_of_reach(http: httpx.Client, kind: str) -> None:
    text = message_of(ask(http, PLAIN, plain_body(data_sources=[{"type": kind, "parameters": KINDS[kind][0]}])))
    assert text.startswith("Invalid ")
    assert "configuration detected" in text
    assert "Azure Search Error" not in text


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, (given, _) in KINDS.items() for name in given])
def test_each_kind_has_parameters_it_cannot_do_without(http: httpx.Client, kind: str, name: str) -> None:
    given = {key: value for key, value in KINDS[kind][0].items() if key != name}
    text = message_of(ask(http, PLAIN, plain_body(data_sources=[{"type": kind, "parameters": given}])))
    assert text == f"Validation error at #/data_sources/0/{kind}/parameters/{name}: Field required"


def test_the_flat_spellings_of_2023_do_instead_of_objects(engine: FakeEngine) -> None:
    engine.mapped["shop", "pictures"] = "photos"
    parameters = {
        "connectionString": "mongodb://x",
        "databaseName": "shop",
        "containerName": "pictures",
        "indexName": "vectors",
        "fieldsMapping": {"contentFieldNames": ["text"], "vectorFieldNames": ["v"]},
        "embeddingDeploymentName": "ada",
    }
    assert read(engine, {"type": "AzureCosmosDB", "parameters": parameters}).sources[0].index == "photos"


# --- parameters with objects


@pytest.mark.parametrize(
    "kind",
    [
        "api_key",
        "APIKey",
        "connection_string",
        "key_and_key_id",
        "encoded_api_key",
        "access_token",
        "system_assigned_managed_identity",
        "SystemAssignedManagedIdentity",
        "user_assigned_managed_identity",
        "username_and_password",
    ],
)
@pytest.mark.parametrize("member", ["key", "api_key", "apiKey"])
def test_every_kind_of_authentication_is_taken_with_the_key_under_either_name(
    engine: FakeEngine, kind: str, member: str
) -> None:
    assert read(engine, search_source(authentication={"type": kind, member: "k"})).sources


@pytest.mark.parametrize("name", ["authentication", "embedding_dependency"])
@pytest.mark.parametrize("given", [{"type": "guess"}, {"key": "k"}, "k", ["k"], 5])
def test_an_object_of_an_unknown_kind_is_a_validation_error(engine: FakeEngine, name: str, given: object) -> None:
    with pytest.raises(BodyError) as failure:
        read(engine, search_source(**{name: given}))
    ((pointer, _),) = failure.value.faults
    assert pointer == f"#/data_sources/0/azure_search/parameters/{name}"


@pytest.mark.parametrize(
    "given",
    [
        {"type": "deployment_name", "deployment_name": "text-embedding-ada-002", "dimensions": 256},
        {"type": "DeploymentName", "deploymentName": "text-embedding-ada-002"},
        {"type": "endpoint", "endpoint": "https://x/embeddings", "authentication": {"type": "api_key", "key": "k"}},
        {"type": "model_id", "model_id": "m"},
        {"type": "integrated"},
    ],
)
def test_every_kind_of_embedding_dependency_is_taken(engine: FakeEngine, given: dict[str, object]) -> None:
    assert read(engine, search_source(query_type="vector", embedding_dependency=given)).sources


class WithDeployments(FakeEngine):
    """Has a deployment for chat and one for embeddings."""

    def deployments(self) -> list[Deployment]:
        chat, *_ = super().deployments()
        return [chat, replace(chat, name="embedder", kind="embedding")]


@pytest.mark.parametrize(("name", "taken"), [("embedder", True), ("foveal", False), ("somebody else's", True)])
@pytest.mark.parametrize("flat", [True, False])
def test_a_deployment_of_this_servers_that_is_to_embed_must_embed(name: str, *, taken: bool, flat: bool) -> None:
    engine = WithDeployments({"photos": []})
    nested = {"embedding_dependency": {"type": "deployment_name", "deployment_name": name}}
    source = search_source(**({"embedding_deployment_name": name} if flat else nested))
    if taken:
        assert read(engine, source).sources
        return
    with pytest.raises(BodyError, match="does not embed"):
        read(engine, source)


WANTED = FieldsMapping(
    content=("body", "notes"),
    title="name",
    url="link",
    filepath="path",
    vectors=("v",),
    image_vectors=("iv",),
    separator="\n",
)


@pytest.mark.parametrize(
    "given",
    [
        {
            "content_fields": ["body", "notes"],
            "title_field": "name",
            "url_field": "link",
            "filepath_field": "path",
            "vector_fields": ["v"],
            "image_vector_fields": ["iv"],
            "content_fields_separator": "\n",
        },
        {
            "contentFields": ["body", "notes"],
            "titleField": "name",
            "urlField": "link",
            "filepathField": "path",
            "vectorFields": ["v"],
            "imageVectorFields": ["iv"],
            "contentFieldsSeparator": "\\n",
        },
        {
            "contentFieldNames": ["body", "notes"],
            "titleFieldName": "name",
            "urlFieldName": "link",
            "filePathFieldName": "path",
            "vectorFieldNames": ["v"],
            "imageVectorFieldNames": ["iv"],
            "contentFieldSeparator": None,
        },
        {
            "ContentFields": ["body", None, "", "notes"],
            "titleFields": ["name", "other"],
            "url_field": "link",
            "filepath_field": "path",
            "vector_fields": "v",
            "image_vector_fields": "iv",
            "unknown": "x",
        },
    ],
)
def test_a_field_mapping_is_read_in_every_spelling(engine: FakeEngine, given: dict[str, object]) -> None:
    assert read(engine, search_source(fields_mapping=given)).sources[0].mapping == WANTED


def test_a_field_mapping_of_wrong_types_is_a_validation_error(http: httpx.Client) -> None:
    text = message_of(ask(http, PLAIN, body(fields_mapping={"content_fields": [5]})))
    where = "Validation error at #/data_sources/0/azure_search/parameters/fields_mapping: "
    assert text == f"{where}content_fields: Input should be a valid list of strings"


# --- limits and effects


@pytest.mark.parametrize(
    ("name", "low", "high"), [("top_n_documents", 1, 100), ("strictness", 1, 5), ("max_search_queries", 1, None)]
)
def test_numbers_are_taken_up_to_their_limits_and_no_further(
    engine: FakeEngine, name: str, low: int, high: int | None
) -> None:
    for value in (low, high or 1_000):
        assert read(engine, search_source(**{name: value})).sources
    for value in (low - 1, *((high + 1,) if high else ())):
        with pytest.raises(BodyError):
            read(engine, search_source(**{name: value}))


@pytest.mark.parametrize("name", ["semantic_configuration", "semanticConfiguration"])
@pytest.mark.parametrize("value", ["", None, "default", "my-semantic-config"])
@pytest.mark.parametrize("query_type", ["semantic", "vector_semantic_hybrid", "simple"])
def test_any_semantic_configuration_and_none_is_taken(
    engine: FakeEngine, name: str, value: str | None, query_type: str
) -> None:
    assert read(engine, search_source(query_type=query_type, **{name: value})).sources


def test_max_search_queries_reaches_the_intent_step(engine: FakeEngine) -> None:
    assert read(engine, search_source(max_search_queries=2)).grounding.max_queries == 2
    assert read(engine, search_source()).grounding.max_queries is None


def test_a_filter_that_cannot_be_read_ends_as_the_services_search_error(http: httpx.Client) -> None:
    text = message_of(ask(http, PLAIN, body(filter="my_group_ids/any(, 'group_id1, group_id2'))")))
    assert text.startswith("Invalid AzureCognitiveSearch configuration detected: ")
    assert text.endswith("Azure Search Error: 400")


@pytest.mark.parametrize(
    ("path", "version", "tokens", "refusal"),
    [
        (EXTENSIONS, "2023-06-01-preview", 400, REFUSAL_OF_2023),
        (EXTENSIONS, "2023-08-01-preview", 400, REFUSAL_OF_2023),
        (EXTENSIONS, "2023-12-01-preview", 400, REFUSAL_OF_2023),
        (PLAIN, "2023-12-01-preview", 400, REFUSAL_OF_2023),
        (PLAIN, "2024-02-01", 100, REFUSAL),
        (PLAIN, "2024-02-15-preview", 100, REFUSAL),
        (EXTENSIONS, "2024-02-15-preview", 100, REFUSAL),
        (PLAIN, "2024-10-21", 100, REFUSAL),
        (PLAIN, "2024-08-01-preview", None, REFUSAL),
        (PLAIN, "2025-03-01-preview", None, REFUSAL),
        (PLAIN, "2031-01-01", None, REFUSAL),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_each_era_has_its_refusal_and_its_limit_of_role_information(
    http: httpx.Client, engine: FakeEngine, path: str, version: str, tokens: int | None, refusal: str, *, stream: bool
) -> None:
    response = ask(http, path, body("zebra", role_information="x " * 900) | {"stream": stream}, version)
    assert engine.requests[-1].grounding.role_tokens == tokens
    assert engine.requests[-1].grounding.role_information == "x " * 900
    if not stream:
        assert refusal in json.dumps(answered(response))
        return
    deltas = [c["delta"] if "delta" in c else c["messages"][0]["delta"] for e in events(response) for c in e["choices"]]
    said = "".join(d.get("content") or "" for d in deltas if d.get("role") != "tool")
    assert said.removesuffix("[DONE]") == refusal


@pytest.mark.parametrize("asked", [{"n": 2}, {"logprobs": True, "top_logprobs": 2}])
def test_what_the_service_refused_beside_a_data_source_is_refused_in_its_envelope(
    http: httpx.Client, asked: dict[str, object]
) -> None:
    assert message_of(ask(http, PLAIN, body() | asked)).startswith(f"Validation error at #/{next(iter(asked))}: ")


def test_usage_is_told_at_the_end_of_a_stream_although_the_service_refused(http: httpx.Client) -> None:
    asked = body() | {"stream": True, "stream_options": {"include_usage": True}}
    *before, last = events(ask(http, PLAIN, asked))
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] > 0
    assert all(chunk["choices"] for chunk in before)


# --- several sources


def test_one_index_may_be_searched_twice_in_different_ways(http: httpx.Client, engine: FakeEngine) -> None:
    asked = body(filter="title eq 'dogs'", query_type="simple", include_contexts=["all_retrieved_documents"])
    asked["data_sources"] += [search_source(filter="title eq 'secret dogs'"), asked["data_sources"][0]]
    reply = answered(ask(http, PLAIN, asked, "2024-05-01-preview"))
    documents = reply["choices"][0]["message"]["context"]["all_retrieved_documents"]
    assert [query.filter for _, query in engine.queries] == [
        Comparison(field="title", op="eq", value="dogs"),
        Comparison(field="title", op="eq", value="secret dogs"),
    ]
    assert [(d["filepath"], d["data_source_index"]) for d in documents] == [("dogs.jpg", 0), ("secret dogs.jpg", 1)]


def test_the_position_of_a_source_counts_those_without_an_index(http: httpx.Client) -> None:
    asked = body(include_contexts=["all_retrieved_documents"])
    asked["data_sources"].insert(0, {"type": "AzureComputerVision", "parameters": {"endpoint": OUTSIDE, "key": "k"}})
    reply = answered(ask(http, PLAIN, asked, "2024-05-01-preview"))
    documents = reply["choices"][0]["message"]["context"]["all_retrieved_documents"]
    assert {document["data_source_index"] for document in documents} == {1}


@pytest.mark.parametrize("wrong", [{"index_name": "nowhere"}, {"endpoint": OUTSIDE}, {"filter": "nothing eq 1"}])
def test_a_source_that_fails_fails_the_request_unless_it_allows_partial_results(
    http: httpx.Client, engine: FakeEngine, wrong: dict[str, object]
) -> None:
    asked = body()
    asked["data_sources"].insert(0, search_source(**wrong))
    message_of(ask(http, PLAIN, asked))
    asked["data_sources"][0]["parameters"]["allow_partial_result"] = True
    reply = answered(ask(http, PLAIN, asked))
    assert reply["choices"][0]["message"]["context"]["citations"][0]["filepath"] == "dogs.jpg"
    assert [source.index for source in engine.requests[-1].sources] == ["photos"]


def test_when_all_sources_fail_partial_results_are_a_failure_too(http: httpx.Client) -> None:
    message_of(ask(http, PLAIN, body(index="nowhere", allow_partial_result=True)))


# --- history


OLD_CONTENT = json.dumps({"citations": [{"content": "x", "chunk_id": "0"}], "intent": '["battery life of the X100"]'})


@pytest.mark.parametrize(
    ("between", "searched"),
    [
        ([{"role": "tool", "content": OLD_CONTENT}], ("battery life of the X100",)),
        ([{"role": "tool", "content": [{"type": "text", "text": OLD_CONTENT}]}], ("battery life of the X100",)),
        ([{"role": "tool", "content": '{"intent": "plain text"}'}], ("plain text",)),
        ([{"role": "tool", "content": '{"citations": [{"content": "cut off'}], ()),
        ([{"role": "tool", "content": "[" * 100_000}], ()),
        ([{"role": "tool"}], ()),
        ([{"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}], ()),
        ([{"role": "assistant", "content": "Long.", "context": {"citations": [], "intent": '["a", "b"]'}}], ("a", "b")),
        ([{"role": "assistant", "content": "Long.", "context": {"messages": [{"content": OLD_CONTENT}]}}], None),
        ([{"role": "assistant", "content": "Long.", "context": {"messages": []}}], ()),
        ([{"role": "assistant", "content": "Long.", "context": "odd"}], ()),
    ],
)
def test_what_a_client_gives_back_of_an_earlier_reply_tells_what_its_question_meant(
    http: httpx.Client, engine: FakeEngine, between: list[dict[str, Any]], searched: tuple[str, ...] | None
) -> None:
    messages = [
        {"role": "user", "content": "And how long does it last?"},
        *between,
        {"role": "assistant", "content": "Long. [doc1]"},
        {"role": "user", "content": DOGS_QUESTION},
    ]
    answered(ask(http, PLAIN, body() | {"messages": messages}))
    first, *_, last = engine.requests[-1].messages
    assert first.searched == (("battery life of the X100",) if searched is None else searched)
    assert last.searched == ()


# --- reply


def test_a_document_says_which_queries_found_it_and_its_score_before_re_ranking(http: httpx.Client) -> None:
    wanted = body("dogs", include_contexts=["all_retrieved_documents"])
    reply = answered(ask(http, PLAIN, wanted, "2024-08-01-preview"))
    (document, *_) = reply["choices"][0]["message"]["context"]["all_retrieved_documents"]
    assert document["search_queries"] == ["dogs"]
    assert document["rerank_score"] == pytest.approx(4 * document["original_search_score"])


def test_the_same_chunk_id_in_two_indexes_is_two_documents(http: httpx.Client, engine: FakeEngine) -> None:
    engine.indexes = {
        "a": [fake_chunk("x.txt", "dogs on the beach")],
        "b": [fake_chunk("x.txt", "dogs on the beach"), fake_chunk("y.txt", "dogs on the beach")],
    }
    asked = body(index="a", top_n_documents=1, include_contexts=["all_retrieved_documents"])
    asked["data_sources"].append(search_source(index_name="b"))
    reply = answered(ask(http, PLAIN, asked, "2024-08-01-preview"))
    documents = reply["choices"][0]["message"]["context"]["all_retrieved_documents"]
    assert [d.get("filter_reason") for d in documents] == [None, "rerank", "rerank"]
