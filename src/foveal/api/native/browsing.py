"""Looking through an index without a question: pages of items, what they have in common, what to ask about."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from foveal.api.auth import caller_of
from foveal.api.crowd import Threads
from foveal.api.engine import Engine
from foveal.api.links import Links
from foveal.types.assets import MediaKind
from foveal.types.browsing import Counted, Listing, Order, Overview
from foveal.types.chunks import Chunk

MOST_ITEMS = 500
MOST_SKIPPED = 10_000_000
OData = Annotated[str, Query(max_length=16_000, description="OData, in the dialect of Azure AI Search.")]


class ListingQuery(BaseModel):
    """Which items, and in which order."""

    filter: str = Field("", max_length=16_000, description="OData, in the dialect of Azure AI Search.")
    order: Order = Order.NEWEST
    skip: int = Field(0, ge=0, le=MOST_SKIPPED)
    top: int = Field(60, ge=1, le=MOST_ITEMS)


class ItemOut(BaseModel):
    """An image, or a document as a whole; everything else of it is at its own address."""

    chunk_id: str
    kind: str
    media_type: str
    title: str
    filepath: str
    description: str = Field(description="A person's words.")
    labels: list[str] = Field(description="Kinds of things seen in it, surest first.")
    taken_at: datetime | None
    modified_at: datetime | None
    width_px: int
    height_px: int
    page: int | None
    bytes_url: str
    thumbnail_url: str | None


class ListingOut(BaseModel):
    """A page of items."""

    index: str
    generation: int
    total: int
    skip: int
    items: list[ItemOut]


class CountedOut(BaseModel):
    """A value, how many items have it, and one of them."""

    value: str
    count: int
    chunk_id: str


class DayOut(BaseModel):
    """Items of one day; `position` is that of its first in the newest-first order."""

    day: date
    count: int
    position: int


class PlaceOut(BaseModel):
    """Items near one another, in WGS 84 degrees."""

    latitude: float
    longitude: float
    count: int
    chunk_id: str


class OverviewOut(BaseModel):
    """What items have in common."""

    index: str
    total: int
    fields: dict[str, list[CountedOut]] = Field(description="By field, commonest value first.")
    days: list[DayOut] = Field(description="Latest first.")
    places: list[PlaceOut] = Field(description="Most items first.")


class SuggestionOut(BaseModel):
    """Something the index surely can be asked about."""

    kind: str = Field(description="`object`: photos show it; `document`: there is one of that title.")
    what: str
    chunk_id: str


class SuggestionsOut(BaseModel):
    """First questions to ask."""

    suggestions: list[SuggestionOut]


def router(engine: Engine, threads: Threads) -> APIRouter:
    """All of them."""
    routes = APIRouter(prefix="/v1/indexes/{index}", tags=["Foveal"])

    @routes.get("/chunks")
    async def list_items(request: Request, index: str, paging: Annotated[ListingQuery, Query()]) -> ListingOut:
        """Items in order: images, and documents as a whole."""
        groups, links = caller_of(request).groups, Links.of(request)

        def work() -> Listing:
            where = engine.parse_filter(paging.filter, index)
            order, skip, top = paging.order, paging.skip, paging.top
            return engine.browser.listing(index, groups, where=where, order=order, skip=skip, top=top)

        return _listing(index, await threads.run(work), links)

    @routes.get("/overview")
    async def show_overview(
        request: Request,
        index: str,
        filter: OData = "",
    ) -> OverviewOut:
        """Values that items have, the days and the places they are from."""
        groups = caller_of(request).groups

        def work() -> Overview:
            return engine.browser.overview(index, groups, where=engine.parse_filter(filter, index))

        return _overview(index, await threads.run(work))

    @routes.get("/suggestions")
    async def show_suggestions(request: Request, index: str) -> SuggestionsOut:
        """Things to ask about, made of what is really there."""
        found = await threads.run(engine.browser.suggestions, index, caller_of(request).groups)
        return SuggestionsOut(
            suggestions=[SuggestionOut(kind=one.kind, what=one.what, chunk_id=one.example) for one in found]
        )

    return routes


def _listing(index: str, found: Listing, links: Links) -> ListingOut:
    return ListingOut(
        index=index,
        generation=found.generation,
        total=found.total,
        skip=found.skip,
        items=[_item(chunk, index, links) for chunk in found.chunks],
    )


def _item(chunk: Chunk, index: str, links: Links) -> ItemOut:
    return ItemOut(
        chunk_id=chunk.chunk_id,
        kind=chunk.kind,
        media_type=chunk.media_type,
        title=chunk.title,
        filepath=chunk.filepath,
        description=chunk.description,
        labels=list(dict.fromkeys([*(thing.label for thing in chunk.objects), *chunk.tags]))[:6],
        taken_at=chunk.taken_at,
        modified_at=chunk.modified_at,
        width_px=chunk.width_px,
        height_px=chunk.height_px,
        page=chunk.locator.page,
        bytes_url=links.bytes(index, chunk),
        thumbnail_url=links.thumbnail(index, chunk) if chunk.kind is MediaKind.IMAGE else None,
    )


def _overview(index: str, found: Overview) -> OverviewOut:
    return OverviewOut(
        index=index,
        total=found.total,
        fields={name: [_counted(one) for one in values] for name, values in found.fields.items()},
        days=[DayOut(day=one.day, count=one.count, position=one.position) for one in found.days],
        places=[
            PlaceOut(latitude=one.latitude, longitude=one.longitude, count=one.count, chunk_id=one.example)
            for one in found.places
        ],
    )


def _counted(one: Counted) -> CountedOut:
    return CountedOut(value=one.value, count=one.count, chunk_id=one.example)
