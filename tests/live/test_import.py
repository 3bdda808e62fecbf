"""O7: an index of Azure AI Search is copied document for document; an app's settings are taken over."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.search.documents import SearchClient
from azure.search.documents.indexes import SearchIndexClient

from foveal.asgi import create_app
from foveal.errors import ConflictError, InvalidRequestError, SourceUnusableError
from foveal.pipeline.importing import PAGE_WITH_VECTORS, ForeignIndex, import_index
from foveal.retrieval.app_settings import migration, read_environment
from foveal.retrieval.imported_definitions import imported_definition, imported_document
from foveal.retrieval.index_definitions import read_definition
from foveal.runtime import Foveal
from foveal.runtime.migrating import apply_migration, settings_text
from foveal.settings import load
from foveal.sources.azure_search import AzureSearchIndex
from foveal.testing.serving import served
from foveal.types.ingestions import IngestionProgress, IngestionState, JobKind, JobOrder
from foveal.types.live_settings import LiveSettings
from foveal.types.sources import CredentialKind, SourceDraft, SourceKind

from .conftest import KEY, OPENER, Service, wire

COUNT = 2 * PAGE_WITH_VECTORS + 7


@pytest.fixture
def hotels(service: Service) -> Service:
    """An index with every type of field, and more documents than two pages hold."""
    definition = wire("hotels", 4)
    definition["fields"] += [
        {"name": "rating", "type": "Edm.Double"},
        {"name": "stars", "type": "Edm.Int32"},
        {"name": "open", "type": "Edm.Boolean"},
        {"name": "built", "type": "Edm.DateTimeOffset"},
        {"name": "place", "type": "Edm.GeographyPoint"},
        {"name": "address", "type": "Edm.ComplexType", "fields": [{"name": "city", "type": "Edm.String"}]},
    ]
    next(f for f in definition["fields"] if f["name"] == "vector")["retrievable"] = True
    documents = [
        {
            "id": f"k{number:04}",
            "content": f"Room {number} has a view. Ünïcode 東京",
            "title": None if number % 3 else f"Room {number}",
            "groups": ["a", "b, c"] if number % 2 else [],
            "vector": [float(number % 7), 1.0, 0.25, -2.0],
            "rating": number / 8,
            "stars": number % 5,
            "open": bool(number % 2),
            "built": f"20{number % 90 + 10}-02-03T04:05:06Z",
            "place": {"type": "Point", "coordinates": [number % 180, 48.85]},
            "address": {"city": "Paris"} if number % 4 else None,
        }
        for number in range(COUNT)
    ]
    service.make(definition, documents)
    service.searches.clear()
    return service


@pytest.fixture
def target(tmp_path: Path, models_dir: Path) -> Iterator[Foveal]:
    flags = {"home": str(tmp_path / "home"), "models": str(models_dir), "offline": True}
    with Foveal(load(flags, environ={})) as foveal:
        yield foveal


def everything(url: str, index: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The definition and every document of an index, as the official SDK sees them."""
    options = {"enforce_https": False, "retry_total": 0}
    with closing(SearchIndexClient(url, AzureKeyCredential(KEY), **options)) as indexes:
        definition = indexes.get_index(index).as_dict()
    with closing(SearchClient(url, index, AzureKeyCredential(KEY), **options)) as documents:
        found = {one["id"]: {k: v for k, v in one.items() if k[0] != "@"} for one in documents.search("*")}
    return definition, found


def without_name(definition: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in definition.items() if key not in ("name", "@odata.etag")}


def test_an_index_is_copied_definition_documents_and_vectors(hotels: Service, target: Foveal) -> None:
    told: list[int] = []
    place = LiveSettings(endpoint=hotels.url, index="hotels")
    job = target.import_azure_search(place, OPENER, "copied", observe=lambda p: told.append(p.done))
    assert {PAGE_WITH_VECTORS, 2 * PAGE_WITH_VECTORS, COUNT} <= set(told)
    assert (job.kind, job.state, job.counts.added) == (JobKind.IMPORT, IngestionState.SUCCEEDED, COUNT)
    assert not job.message
    assert target.jobs.recent("copied")[0] == job
    there = everything(hotels.url, "hotels")
    with served(create_app(target, api_keys=[KEY])) as url:
        here = everything(url, "copied")
    assert without_name(here[0]) == without_name(there[0])
    assert len(here[1]) == COUNT
    assert here[1] == there[1]


def test_pages_follow_the_keys_and_never_skip(hotels: Service, target: Foveal) -> None:
    target.import_azure_search(LiveSettings(endpoint=hotels.url, index="hotels"), OPENER, "copied")
    asked = [(one.get("filter"), one.get("orderby"), one.get("skip")) for one in hotels.searches]
    last = [f"k{n:04}" for n in (PAGE_WITH_VECTORS - 1, 2 * PAGE_WITH_VECTORS - 1, COUNT - 1)]
    assert asked == [(None, "id asc", None), *((f"id gt '{key}'", "id asc", None) for key in last)]


def test_an_import_that_was_killed_goes_on_where_it_was(hotels: Service, target: Foveal) -> None:
    place = LiveSettings(endpoint=hotels.url, index="hotels")

    def killing(progress: IngestionProgress) -> None:
        if progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        target.import_azure_search(place, OPENER, "copied", observe=killing)
    assert target.jobs.recent("copied")[0].state is IngestionState.INTERRUPTED
    hotels.searches.clear()
    job = target.import_azure_search(place, OPENER, "copied")
    assert hotels.searches[0]["filter"] == f"id gt 'k{PAGE_WITH_VECTORS - 1:04}'"
    assert job.counts.added == COUNT
    assert target.open_index("copied", None).count() == COUNT
    with pytest.raises(ConflictError, match="already"):
        target.import_azure_search(place, OPENER, "copied")
    target.delete_index("copied")
    assert target.import_azure_search(place, OPENER, "copied").counts.added == COUNT


def test_an_import_can_be_cancelled_and_goes_on(hotels: Service, target: Foveal) -> None:
    place = LiveSettings(endpoint=hotels.url, index="hotels")

    def cancelling(progress: IngestionProgress) -> None:
        if progress.done and progress.done < COUNT:
            target.jobs.cancel(target.jobs.recent("copied")[0].ingestion_id)

    job = target.import_azure_search(place, OPENER, "copied", observe=cancelling)
    assert job.state is IngestionState.CANCELLED
    assert target.import_azure_search(place, OPENER, "copied").counts.added == COUNT


def test_an_import_of_a_saved_source_is_gone_on_with_by_any_process(hotels: Service, target: Foveal) -> None:
    live = LiveSettings(endpoint=hotels.url, index="hotels")
    draft = SourceDraft(name="there", kind=SourceKind.AZURE_SEARCH, index="there", live=live)
    target.sources.add(target.sources.settle(draft, OPENER), OPENER)
    order = JobOrder(kind=JobKind.IMPORT, index="copied", source=f"{hotels.url}/indexes/hotels", saved_source="there")
    target.jobs.enqueue(order)
    done = target.jobs.run_next()
    assert done is not None
    assert (done.state, done.counts.added) == (IngestionState.SUCCEEDED, COUNT)
    target.jobs.enqueue(replace(order, index="other", saved_source=""))
    failed = target.jobs.run_next()
    assert failed is not None
    assert failed.state is IngestionState.FAILED
    assert "Give the command again" in failed.message


def test_an_import_never_writes_into_an_index_that_it_did_not_make(hotels: Service, target: Foveal) -> None:
    target.search_indexes.create(read_definition(wire("copied", 4)))
    with pytest.raises(ConflictError):
        target.import_azure_search(LiveSettings(endpoint=hotels.url, index="hotels"), OPENER, "copied")
    assert target.open_index("copied", None).count() == 0


def test_a_key_that_cannot_be_ordered_by_is_paged_by_skip_up_to_its_limit(service: Service, target: Foveal) -> None:
    definition = wire("plain", 4)
    definition["fields"][0] |= {"sortable": False}
    service.make(definition, [{"id": str(n), "vector": [1.0, 0.0, 0.0, 0.0]} for n in range(PAGE_WITH_VECTORS + 1)])
    job = target.import_azure_search(LiveSettings(endpoint=service.url, index="plain"), OPENER, "plain")
    assert job.counts.added == PAGE_WITH_VECTORS + 1


def test_a_service_that_does_not_order_strings_is_paged_by_skip(hotels: Service, target: Foveal) -> None:
    def refusing(*_: object) -> list[dict[str, Any]]:
        raise SourceUnusableError("Strings have no order.", reason="refused")

    place = replace(LiveSettings(index="hotels"), endpoint=hotels.url)
    with closing(AzureSearchIndex(place, OPENER)) as index:
        foreign = ForeignIndex(
            location="there",
            definition=index.definition,
            count=index.count,
            after=lambda key, after, top: index.page(key, after, top) if after is None else refusing(),
            from_=index.page_from,
        )
        *_, last = import_index(foreign, "copied", target.search_indexes, kept=None, keep=lambda _: None)
        assert last.state.copied == COUNT
        assert target.open_index("copied", None).count() == COUNT
        many = replace(foreign, count=lambda: 100_001)
        with pytest.raises(InvalidRequestError, match="100000"):
            list(import_index(many, "others", target.search_indexes, kept=None, keep=lambda _: None))


def test_what_has_no_counterpart_is_left_out_by_name() -> None:
    definition = wire("odd", 4)
    definition["fields"] += [
        {"name": "parts", "type": "Collection(Edm.ComplexType)", "fields": [{"name": "x", "type": "Edm.String"}]},
        {"name": "half", "type": "Collection(Edm.Half)", "dimensions": 4, "vectorSearchProfile": "p"},
        {"name": "bits", "type": "Collection(Edm.Byte)", "dimensions": 8, "vectorSearchProfile": "p"},
        {"name": "secret", "type": "Edm.String", "retrievable": False},
    ]
    definition["vectorSearch"]["vectorizers"] = [{"name": "v", "kind": "azureOpenAI"}]
    definition["vectorSearch"]["profiles"][0] |= {"vectorizer": "v", "compression": None}
    definition["semantic"]["configurations"].append(
        {"name": "of parts", "prioritizedFields": {"prioritizedContentFields": [{"fieldName": "parts"}]}}
    )
    made, said = imported_definition(definition, "copy")
    read = read_definition(made)
    assert read.name == "copy"
    assert {v.name for v in read.vectors} == {"vector", "half"}
    assert read.plain("parts") is None
    assert [c.name for c in read.semantic] == ["default"]
    told = " ".join(said)
    for named in ("parts", "bits", "half", "secret", "vectorizers", "of parts"):
        assert named in told
    assert imported_document({"id": "1", "parts": [{"x": "y"}], "half": [0.5]}, read) == {"id": "1", "half": [0.5]}


# --- an app's settings

ENV = """
# Chat
AZURE_OPENAI_RESOURCE=contoso
AZURE_OPENAI_MODEL=gpt-4o-chat
AZURE_OPENAI_KEY="secret-of-the-model"
AZURE_OPENAI_MODEL_NAME=gpt-4o
AZURE_OPENAI_TEMPERATURE=0
AZURE_OPENAI_SYSTEM_MESSAGE=You are an AI assistant that helps people find information.
AZURE_OPENAI_EMBEDDING_NAME=text-embedding-3-large
AZURE_COSMOSDB_ACCOUNT=history
SEARCH_TOP_K=5
SEARCH_STRICTNESS=3
AZURE_SEARCH_SERVICE=contoso-search
AZURE_SEARCH_INDEX=Product_Manuals
AZURE_SEARCH_KEY='secret-of-the-search'
AZURE_SEARCH_TOP_K=7
AZURE_SEARCH_ENABLE_IN_DOMAIN=False
AZURE_SEARCH_CONTENT_COLUMNS=content|abstract
AZURE_SEARCH_TITLE_COLUMN=title
AZURE_SEARCH_URL_COLUMN=
AZURE_SEARCH_VECTOR_COLUMNS=contentVector
AZURE_SEARCH_SEMANTIC_SEARCH_CONFIG=default
AZURE_SEARCH_PERMITTED_GROUPS_COLUMN=group_ids
AZURE_SEARCH_QUERY_TYPE=vector_semantic_hybrid   # as in the portal
"""


def test_an_apps_environment_file_becomes_settings_and_a_live_source() -> None:
    found = migration(read_environment(ENV))
    text = settings_text(found.settings, secrets=False)
    assert "secret" not in text
    parsed = tomllib.loads(text)
    assert parsed["chat"] | {"api_key": ""} == {
        "base_url": "https://contoso.openai.azure.com",
        "model": "gpt-4o-chat",
        "api_version": "2024-10-21",
        "api_key": "",
        "sees": True,
    }
    assert parsed["deployments"]["text-embedding-3-large"]["dim"] == 3072
    assert parsed["answering"] == {"top_n_documents": 7, "strictness": 3, "in_scope": False}
    load({}, environ={}, config=None)
    assert found.source is not None
    assert (found.source.name, found.source.kind) == ("product_manuals", SourceKind.AZURE_SEARCH)
    live = found.source.live
    assert (live.endpoint, live.index) == ("https://contoso-search.search.windows.net", "Product_Manuals")
    assert (live.mapping.content, live.mapping.vectors) == (("content", "abstract"), ("contentVector",))
    assert (live.groups_field, live.semantic) == ("group_ids", "default")
    assert found.credential is not None
    assert found.credential.secret.reveal == "secret-of-the-search"
    notes = " ".join(found.notes)
    assert "chat history" in notes
    assert "QUERY_TYPE=vector_semantic_hybrid: sent by the app" in notes


@pytest.mark.parametrize(
    ("text", "kind", "credential"),
    [
        (
            "DATASOURCE_TYPE=AzureCosmosDB\nAZURE_COSMOSDB_MONGO_VCORE_CONNECTION_STRING=mongodb+srv://u:p@c.mongo.net\n"
            "AZURE_COSMOSDB_MONGO_VCORE_DATABASE=d\nAZURE_COSMOSDB_MONGO_VCORE_CONTAINER=c",
            SourceKind.AZURE_COSMOS_DB,
            CredentialKind.CONNECTION_STRING,
        ),
        (
            "ELASTICSEARCH_ENDPOINT=https://es\nELASTICSEARCH_ENCODED_API_KEY=k\nELASTICSEARCH_INDEX=i",
            SourceKind.ELASTICSEARCH,
            CredentialKind.ACCOUNT_KEY,
        ),
        ("PINECONE_INDEX_NAME=i\nPINECONE_API_KEY=k", SourceKind.PINECONE, CredentialKind.ACCOUNT_KEY),
        (
            "MONGODB_ENDPOINT=c.mongodb.net\nMONGODB_USERNAME=u\nMONGODB_PASSWORD=p@ss\nMONGODB_INDEX_NAME=v\n"
            "MONGODB_DATABASE_NAME=d\nMONGODB_COLLECTION_NAME=c",
            SourceKind.MONGODB,
            CredentialKind.CONNECTION_STRING,
        ),
        ("AZURE_SEARCH_INDEX=i\nAZURE_SEARCH_SERVICE=s", SourceKind.AZURE_SEARCH, CredentialKind.IDENTITY),
        ("AZURE_OPENAI_MODEL=m", None, None),
        ("DATASOURCE_TYPE=AzureSqlServer\nAZURE_OPENAI_MODEL=m", None, None),
    ],
)
def test_every_kind_of_data_source_of_the_app_is_known(
    text: str, kind: SourceKind | None, credential: CredentialKind | None
) -> None:
    found = migration(read_environment(text))
    assert (found.source.kind if found.source else None) is kind
    assert (found.credential.kind if found.credential else None) is credential


def test_a_file_without_variables_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        read_environment("# nothing\n\nA=\n")


def test_what_is_applied_works_at_the_next_start_and_is_readable_by_its_owner_alone(
    handbook: Service, target: Foveal
) -> None:
    found = migration(read_environment(ENV))
    assert found.source is not None
    live = LiveSettings(endpoint=handbook.url, index="handbook")
    found = replace(found, source=replace(found.source, live=live), credential=OPENER)
    file = apply_migration(found, target)
    assert file.stat().st_mode & 0o777 == 0o600
    settings = load({"home": str(target.settings.home)}, environ={}, config=file)
    assert settings.chat.api_key.get_secret_value() == "secret-of-the-model"
    assert settings.deployments["text-embedding-3-large"].dim == 3072
    assert settings.answering.top_n_documents == 7
    assert "product_manuals" in target.index_names()
    with pytest.raises(ConflictError, match="chat"):
        apply_migration(found, target)


def test_the_command_line_copies_and_takes_over(
    foveal: Callable[..., Any], hotels: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEARCH_KEY", KEY)
    place = ("--endpoint", hotels.url, "--index", "hotels", "--key-env", "SEARCH_KEY")
    copied = foveal("import", "azure-search", *place, "--into", "copied")
    assert copied.status == 0, copied.err
    assert f"Copied {COUNT} documents" in copied.out
    assert "copied" in foveal("index", "list").out
    (tmp_path / "app.env").write_text(ENV)
    shown = foveal("import", "onyourdata", tmp_path / "app.env")
    assert shown.status == 0
    assert 'api_key = "***"' in shown.out
    assert "secret-of" not in shown.out + shown.err
    assert json.loads(foveal("import", "onyourdata", tmp_path / "app.env", "--json").out)["source"]["name"]
    assert not (tmp_path / "home" / "foveal.toml").exists()
