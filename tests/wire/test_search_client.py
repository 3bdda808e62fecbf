"""R6: azure-search-documents, the vendor's own client, against the Azure AI Search face of a started server."""

from __future__ import annotations

import importlib.util

import pytest

from .conftest import Server
from .environments import CLIENTS, python_of
from .test_clients import Outcomes, outcomes_of

pytestmark = [
    pytest.mark.xdist_group("wire"),
    pytest.mark.skipif(
        importlib.util.find_spec("foveal.api.azure_search") is None, reason="the Azure AI Search face is not there"
    ),
]


@pytest.fixture(scope="module")
def said(server: Server) -> Outcomes:
    return outcomes_of([str(python_of("azure-search")), str(CLIENTS / "with_azure_search.py")], server)


def test_an_index_is_made_filled_and_listed(said: Outcomes) -> None:
    assert said["create"] == {"names": ["hotels-of-the-wire"]}
    assert "hotels-of-the-wire" in said["list"]["names"]  # type: ignore[operator]
    assert said["upload"] == {"ok": [True, True, True]}


def test_documents_are_found_by_words_filters_and_vectors(said: Outcomes) -> None:
    assert said["words"] == {"ids": ["2"]}
    assert said["filter"] == {"ids": ["3", "1"]}
    assert said["vector"] == {"ids": ["2"]}
    assert said["count"] == {"count": 3, "cities": {"Faro": 2, "Lagos": 1}, "documents": 3}


def test_documents_are_changed_looked_up_and_removed(said: Outcomes) -> None:
    assert said["merge"] == {"ok": [True]}
    looked_up = said["lookup"]
    assert (looked_up["name"], looked_up["rating"]) == ("Harbour Inn", 4.0)
    assert said["delete document"] == {"ok": [True]}
    assert said["missing document"]["error"] == "ResourceNotFoundError"


def test_errors_are_the_client_s_own(said: Outcomes) -> None:
    assert said["bad key"]["status"] in {401, 403}
    assert said["delete"] == {"gone": True}
    assert said["missing index"]["error"] == "ResourceNotFoundError"
