"""Which field of somebody else's index plays which part in an answer.

The names are those that the portal of Azure AI ("Add your data") and Microsoft's samples give fields: content, title,
url, filepath, contentVector (portal); chunk, text_vector ("Import and vectorize data"); sourcepage, sourcefile,
embedding (azure-search-openai-demo); metadata_storage_name, metadata_storage_path (the blob indexer); group_ids (the
page on document-level access of On Your Data).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from foveal.errors import InvalidRequestError
from foveal.types.documents import IndexDefinition
from foveal.types.live_settings import FieldsMapping

_CONTENT = ("content", "chunk", "merged_content", "text", "page_content", "body", "description")
_TITLE = ("title", "metadata_title", "document_title", "name", "header", "sourcepage")
_URL = ("url", "uri", "link", "source_url", "metadata_storage_path", "storageurl", "parent_url")
_FILEPATH = (
    "filepath",
    "file_path",
    "filename",
    "file_name",
    "sourcefile",
    "metadata_storage_name",
    "file",
    "path",
    "source",
)
_GROUPS = ("group_ids", "groups", "allowed_groups", "acl_groups", "security_groups")
_PICTURES = ("imagevector", "imageembedding", "vectorimage", "embeddingimage")
_FEW = 3
"""Searchable strings that stand for the content where no name is known."""


def complete_mapping(given: FieldsMapping, definition: IndexDefinition) -> FieldsMapping:
    """`given`, its empty parts guessed from the definition; what cannot be guessed stays empty.

    Raises:
        InvalidRequestError: It names a field that the index does not have.
    """
    names = [field.name for field in definition.fields]
    vectors = [vector.name for vector in definition.vectors]
    for name in (*given.content, given.title, given.url, given.filepath):
        _check(name, names, definition)
    for name in (*given.vectors, *given.image_vectors):
        _check(name, vectors, definition)
    title = given.title or _named(_TITLE, names)
    url, filepath = given.url or _named(_URL, names), given.filepath or _named(_FILEPATH, names)
    content = given.content or _content(definition, {title, url, filepath})
    image_vectors = given.image_vectors or tuple(v for v in vectors if v not in given.vectors and _of_pictures(v))
    return FieldsMapping(
        content=content,
        title=title,
        url=url,
        filepath=filepath,
        vectors=given.vectors or tuple(name for name in vectors if name not in image_vectors),
        image_vectors=image_vectors,
        separator=given.separator,
    )


def groups_field(names: Iterable[str]) -> str:
    """The field with the groups that may see a document, empty when none is named so.

    Args:
        names: Of fields that hold several strings and can be filtered by.
    """
    return _named(_GROUPS, list(names))


def _of_pictures(name: str) -> bool:
    return any(part in _squashed(name) for part in _PICTURES)


def _check(name: str, known: Sequence[str], definition: IndexDefinition) -> None:
    if name and name not in known:
        raise InvalidRequestError(
            f"fields_mapping names {name!r}, which the index {definition.name!r} does not have.",
            remedy=f"It has {', '.join(known)}.",
        )


def _named(wanted: Iterable[str], names: Sequence[str]) -> str:
    squashed = {_squashed(name): name for name in reversed(names)}
    return next((squashed[_squashed(name)] for name in wanted if _squashed(name) in squashed), "")


def _content(definition: IndexDefinition, taken: set[str]) -> tuple[str, ...]:
    found = _named(_CONTENT, definition.searchable)
    if found:
        return (found,)
    rest = [name for name in definition.searchable if name not in taken]
    return tuple(rest[:_FEW]) or definition.searchable[:1]


def _squashed(name: str) -> str:
    return name.casefold().replace("_", "")
