"""What is guessed of an index of another service, and what will not work with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from foveal.errors import InvalidRequestError
from foveal.retrieval.document_mapping import complete_mapping, groups_field
from foveal.types.documents import IndexDefinition, IndexField, VectorField
from foveal.types.filters import FieldType
from foveal.types.live import LiveDescription
from foveal.types.live_settings import FieldsMapping, LiveSettings
from foveal.types.sources import LiveReport

PARTS = ("content", "title", "url", "filepath", "vectors", "image_vectors")
"""Of a mapping."""


def report(
    given: LiveSettings, description: LiveDescription, *, embeds: Callable[[str, int], bool] = lambda _, __: True
) -> LiveReport:
    """Guess what is not given.

    Args:
        given: As a person wrote it.
        description: What the service says.
        embeds: Whether a deployment (empty: any) gives vectors of a length.

    Raises:
        InvalidRequestError: A field is named that the index does not have.
    """
    definition = _definition(given.index, description)
    mapping = complete_mapping(given.mapping, definition)
    names = [f.name for f in description.fields]
    for name in filter(None, (given.groups_field, given.key)):
        if name not in names:
            raise InvalidRequestError(
                f"The index {given.index} has no field {name!r}.", remedy=f"It has {', '.join(names)}."
            )
    listed = [f.name for f in description.fields if f.filterable and f.type.startswith("Collection(Edm.String)")]
    vectors = {f.name: f for f in description.fields if f.dimensions is not None}
    settings = replace(
        given,
        mapping=mapping,
        key=given.key or next((f.name for f in description.fields if f.key), ""),
        groups_field=given.groups_field or groups_field(listed),
        dimensions=tuple((name, f.dimensions or 0) for name, f in vectors.items()),
        metrics=tuple((name, f.metric) for name, f in vectors.items() if f.metric != "cosine"),
        vectorized=tuple(name for name, f in vectors.items() if f.vectorized),
        semantic=given.semantic or next(iter(description.semantic), ""),
    )
    guessed = [part for part in PARTS if not getattr(given.mapping, part) and getattr(mapping, part)]
    guessed += [name for name in ("groups_field", "semantic") if not getattr(given, name) and getattr(settings, name)]
    return LiveReport(
        settings=settings,
        guessed=tuple(guessed),
        fields=tuple((f.name, f.type) for f in description.fields),
        problems=tuple(_problems(settings, description, embeds)),
        documents=description.documents,
    )


def merged(asked: FieldsMapping, kept: FieldsMapping) -> FieldsMapping:
    """The mapping of a request, its empty parts those of what is kept."""
    parts = {part: getattr(asked, part) or getattr(kept, part) for part in PARTS}
    separator = asked.separator if asked.content else kept.separator
    return FieldsMapping(separator=separator, **parts)


def _problems(settings: LiveSettings, description: LiveDescription, embeds: Callable[[str, int], bool]) -> list[str]:
    found: list[str] = []
    by_name = {f.name: f for f in description.fields}
    mapping = settings.mapping
    if description.sampled:
        found.append("The definition may not be read with this key: the fields are those of one document.")
    if not mapping.content:
        found.append("No field has the content: name one.")
    hidden = [n for n in (*mapping.content, mapping.title, mapping.url, mapping.filepath) if n and n in by_name]
    found += [
        f"The field {n} is not retrievable: nothing of it can be shown." for n in hidden if not by_name[n].retrievable
    ]
    if settings.semantic and description.semantic and settings.semantic not in description.semantic:
        known = ", ".join(description.semantic)
        found.append(f"There is no semantic configuration {settings.semantic}: there is {known}.")
    if settings.groups_field and not by_name[settings.groups_field].filterable:
        found.append(f"The field {settings.groups_field} is not filterable: groups cannot be told apart.")
    usable = [
        name
        for name in mapping.vectors
        if name in settings.vectorized or embeds(settings.deployment, settings.length(name))
    ]
    found += [
        f"No model here gives vectors of {settings.length(name)} numbers, as {name} has: it is not searched. "
        "Add an embedding deployment of the model that filled it."
        for name in mapping.vectors
        if name not in usable
    ]
    if not description.documents and description.documents is not None:
        found.append("There is no document in it.")
    return found


def _definition(name: str, description: LiveDescription) -> IndexDefinition:
    return IndexDefinition(
        name=name,
        fields=tuple(
            IndexField(name=f.name, type=FieldType.STRING, searchable=f.searchable, retrievable=f.retrievable)
            for f in description.fields
            if f.dimensions is None
        ),
        vectors=tuple(
            VectorField(name=f.name, dimensions=f.dimensions) for f in description.fields if f.dimensions is not None
        ),
    )
