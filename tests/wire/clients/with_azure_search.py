"""azure-search-documents 12: an index of the caller's own fields, from its making to its end."""

from __future__ import annotations

from azure.core.credentials import AzureKeyCredential
from azure.search.documents import SearchClient
from azure.search.documents.indexes import SearchIndexClient
from azure.search.documents.indexes.models import (
    HnswAlgorithmConfiguration,
    SearchableField,
    SearchField,
    SearchFieldDataType,
    SearchIndex,
    SimpleField,
    VectorSearch,
    VectorSearchProfile,
)
from azure.search.documents.models import VectorizedQuery
from cases import ENDPOINT, KEY, case

NAME = "hotels-of-the-wire"
HOTELS = [
    {"id": "1", "name": "Sea View", "city": "Faro", "rating": 4.5, "vector": [1.0, 0.0, 0.0]},
    {"id": "2", "name": "Harbour Inn", "city": "Lagos", "rating": 3.0, "vector": [0.0, 1.0, 0.0]},
    {"id": "3", "name": "Mountain Lodge", "city": "Faro", "rating": 5.0, "vector": [0.0, 0.0, 1.0]},
]


def indexes(key=KEY):
    return SearchIndexClient(ENDPOINT, AzureKeyCredential(key), enforce_https=False, retry_total=0)


def documents():
    return SearchClient(ENDPOINT, NAME, AzureKeyCredential(KEY), enforce_https=False, retry_total=0)


def create():
    definition = SearchIndex(
        name=NAME,
        fields=[
            SimpleField(name="id", type=SearchFieldDataType.String, key=True),
            SearchableField(name="name", type=SearchFieldDataType.String),
            SimpleField(name="city", type=SearchFieldDataType.String, filterable=True, facetable=True),
            SimpleField(name="rating", type=SearchFieldDataType.Double, filterable=True, sortable=True),
            SearchField(
                name="vector",
                type=SearchFieldDataType.Collection(SearchFieldDataType.Single),
                searchable=True,
                vector_search_dimensions=3,
                vector_search_profile_name="near",
            ),
        ],
        vector_search=VectorSearch(
            algorithms=[HnswAlgorithmConfiguration(name="hnsw")],
            profiles=[VectorSearchProfile(name="near", algorithm_configuration_name="hnsw")],
        ),
    )
    return {"names": [indexes().create_index(definition).name]}


def ids(found):
    return {"ids": [document["id"] for document in found]}


def by_vector():
    query = VectorizedQuery(vector=[0.0, 0.9, 0.1], k_nearest_neighbors=1, fields="vector")
    return ids(documents().search(search_text=None, vector_queries=[query]))


def counted():
    found = documents().search("*", include_total_count=True, facets=["city"], top=1)
    list(found)
    cities = {facet["value"]: facet["count"] for facet in found.get_facets()["city"]}
    return {"count": found.get_count(), "cities": cities, "documents": documents().get_document_count()}


case("create", create)
case("list", lambda: {"names": list(indexes().list_index_names())})
case("upload", lambda: {"ok": [r.succeeded for r in documents().upload_documents(HOTELS)]})
case("words", lambda: ids(documents().search("harbour")))
case("filter", lambda: ids(documents().search("*", filter="city eq 'Faro'", order_by=["rating desc"])))
case("vector", by_vector)
case("count", counted)
case("merge", lambda: {"ok": [r.succeeded for r in documents().merge_documents([{"id": "2", "rating": 4.0}])]})
case("lookup", lambda: documents().get_document("2", selected_fields=["name", "rating"]))
case("delete document", lambda: {"ok": [r.succeeded for r in documents().delete_documents([{"id": "1"}])]})
case("missing document", lambda: documents().get_document("1"))
case("bad key", lambda: {"names": list(indexes("wrong").list_index_names())})
case("delete", lambda: {"gone": indexes().delete_index(NAME) is None})
case("missing index", lambda: {"names": [indexes().get_index(NAME).name]})
