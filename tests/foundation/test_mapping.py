"""The operator's table of indexes that stand in for those of other services."""

from __future__ import annotations

import pytest

from foveal.errors import SettingsError
from foveal.runtime.mapping import local_index
from foveal.settings import load

TABLE = {
    "https://Contoso.search.windows.net/products": "photos",
    "contoso.search.windows.net/*": "everything",
    "*/manuals": "texts",
    "/subscriptions/x/projects/p/pictures": "aml",
}


@pytest.mark.parametrize(
    ("service", "index", "local"),
    [
        ("contoso.search.windows.net", "products", "photos"),
        ("CONTOSO.search.windows.net", "products", "photos"),
        ("contoso.search.windows.net", "Products", "everything"),
        ("contoso.search.windows.net", "manuals", "everything"),
        ("fabrikam.search.windows.net", "manuals", "texts"),
        ("", "manuals", "texts"),
        ("fabrikam.search.windows.net", "products", None),
        ("", "products", None),
        ("/subscriptions/x/projects/p", "pictures", "aml"),
    ],
)
def test_the_nearest_entry_of_the_table_wins(service: str, index: str, local: str | None) -> None:
    assert local_index(TABLE, service, index) == local


def test_stars_map_every_index_to_that_of_the_same_name() -> None:
    assert local_index({"*/*": "*"}, "contoso.search.windows.net", "products") == "products"


def test_an_empty_table_maps_nothing() -> None:
    assert local_index({}, "contoso.search.windows.net", "products") is None


def test_the_table_is_read_from_the_environment_as_json() -> None:
    assert load(environ={"FOVEAL_SOURCES": '{"*/*": "*"}'}).sources == {"*/*": "*"}


@pytest.mark.parametrize("value", ["{", '{"products": "photos"}', '{"a/b": 5}', "[]"])
def test_a_table_that_cannot_be_read_is_refused_by_its_name(value: str) -> None:
    with pytest.raises(SettingsError, match="FOVEAL_SOURCES"):
        load(environ={"FOVEAL_SOURCES": value})
