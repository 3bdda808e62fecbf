"""Random filters and chunks whose values meet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from random import Random

from hypothesis import strategies as st

from foveal.testing.contracts.chunk_store import text_chunk
from foveal.types.assets import AssetId, MediaKind
from foveal.types.chunks import Chunk
from foveal.types.content import DetectedObject
from foveal.types.filters import (
    CHUNK_FIELDS,
    ITEM,
    AllItems,
    And,
    AnyItem,
    Comparison,
    FieldType,
    Filter,
    GeoDistance,
    Not,
    Or,
    SearchIn,
    SearchIsMatch,
)
from foveal.types.locators import Box, Locator

HOSTILE = (
    "a", "b", "A", "", " ", "it's", "''", "a' OR '1'='1", "a'); --", 'q"q', "back\\slash", "\\'", "`", "%", "_", "a%",
    "null", "true", "$1", "?", "{}", "\x00", "a\x00b", "\n", "é", "e\u0301", "日本", "😀", "\u202e", "\ufeff",
    "x" * 300,
)  # fmt: skip
TEXTS = ("one dog", "two dogs' beach", "สุนัขบนชายหาด", "一只猫睡在窗台上", "", "IMG_1234 it's", "100% \\ café")
WORDS = ("dog", "beach one", "สุนัข", "窗台", "1234", "it's", "%", "", "café 100", "zebra", "og", "'); --")
MOMENTS = (
    None,
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2024, 7, 1, 12, 30, 15, 123456, tzinfo=UTC),
    datetime(2024, 7, 1, 14, 30, 15, 123456, tzinfo=timezone(timedelta(hours=2))),
    datetime(2024, 7, 1, 12, 30, 15, 123457, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
)
NUMBERS = (0, 1, 2, 6, -1, 640, 2**31, 2**40, -(2**62))
PLACES = (None, (0.0, 0.0), (48.85, 2.35), (-33.85, 151.21), (64.1, -21.9), (0.5, 179.9), (-0.5, -179.9), (89.9, 10.0))

_hostile = st.sampled_from(HOSTILE)


def random_chunks(count: int, seed: int = 7) -> list[Chunk]:
    """Chunks with ids in order."""
    random = Random(seed)
    return [_chunk(random, f"d{n:03}") for n in range(count)]


def _chunk(random: Random, document: str) -> Chunk:
    place = random.choice(PLACES)
    half = random.random() < 0.1
    texts = [random.choice(TEXTS) for _ in range(4)]

    def items() -> tuple[str, ...]:
        return tuple(random.choices(HOSTILE, k=random.choice((0, 1, 1, 2, 4))))

    return replace(
        text_chunk(document, texts[0]),
        asset_id=AssetId(random.choice(HOSTILE)),
        kind=random.choice(list(MediaKind)),
        source=random.choice(HOSTILE),
        title=texts[1],
        description=texts[2],
        ocr_text=texts[3],
        camera=random.choice(HOSTILE),
        language=random.choice(("", "en", "de")),
        tags=items(),
        colors=items(),
        facts=items(),
        group_ids=items(),
        objects=tuple(
            DetectedObject(label=label, score=0.5, box=Box(x=0, y=0, width=1, height=1)) for label in items()
        ),
        taken_at=random.choice(MOMENTS),
        modified_at=random.choice(MOMENTS),
        latitude=place[0] if place else None,
        longitude=place[1] if place and not half else None,
        width_px=random.choice(NUMBERS),
        violence=random.choice((0, 2, 4, 6)),
        locator=Locator(page=random.choice((None, 1, 2, 3))),
    )


_ops = st.sampled_from(("eq", "ne", "gt", "ge", "lt", "le"))
_equal = st.sampled_from(("eq", "ne"))


def _named(*types: FieldType) -> st.SearchStrategy[str]:
    return st.sampled_from([field.name for field in CHUNK_FIELDS.values() if field.type in types])


_numbers = st.one_of(
    st.sampled_from(NUMBERS),
    st.sampled_from((0.5, 1.0, -1.5, 640.0, 1e18, 1e300, -1e300, float(2**63))),
    st.integers(-(2**63) + 1, 2**63 - 1),
)
_atoms = st.one_of(
    st.builds(lambda f, o, v: Comparison(field=f, op=o, value=v), _named(FieldType.STRING), _ops, _hostile),
    st.builds(lambda f, o, v: Comparison(field=f, op=o, value=v), _named(FieldType.INT), _ops, _numbers),
    st.builds(
        lambda f, o, v: Comparison(field=f, op=o, value=v),
        _named(FieldType.DATETIME),
        _ops,
        st.sampled_from(MOMENTS[1:]),
    ),
    st.builds(
        lambda f, o: Comparison(field=f, op=o, value=None),
        _named(FieldType.STRING, FieldType.INT, FieldType.DATETIME, FieldType.GEO_POINT),
        _equal,
    ),
    st.builds(
        lambda f, v: SearchIn(field=f, values=tuple(v)), _named(FieldType.STRING), st.lists(_hostile, max_size=4)
    ),
    st.builds(
        lambda t, f, a: SearchIsMatch(text=t, fields=tuple(f), all_terms=a),
        st.sampled_from(WORDS),
        st.lists(st.sampled_from(("title", "content", "description", "caption", "ocr_text")), min_size=1, max_size=3),
        st.booleans(),
    ),
    st.builds(
        lambda p, o, km: GeoDistance(field="location", latitude=p[0], longitude=p[1], op=o, km=km),
        st.one_of(
            st.sampled_from([place for place in PLACES if place]),
            st.tuples(st.floats(-90, 90, allow_subnormal=False), st.floats(-180, 180, allow_subnormal=False)),
        ),
        st.sampled_from(("gt", "ge", "lt", "le")),
        st.floats(0.5, 25_000, allow_subnormal=False),
    ),
)
_item_atoms = st.one_of(
    st.builds(lambda o, v: Comparison(field=ITEM, op=o, value=v), _equal, _hostile),
    st.builds(lambda v: SearchIn(field=ITEM, values=tuple(v)), st.lists(_hostile, max_size=4)),
)


def _combined(atoms: st.SearchStrategy[Filter], leaves: int) -> st.SearchStrategy[Filter]:
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda o: And(operands=tuple(o))),
            st.lists(inner, max_size=3).map(lambda o: Or(operands=tuple(o))),
            inner.map(lambda o: Not(operand=o)),
        ),
        max_leaves=leaves,
    )


_lambdas = st.one_of(
    _named(FieldType.STRINGS).map(lambda f: AnyItem(field=f, condition=None)),
    st.builds(lambda f, c: AnyItem(field=f, condition=c), _named(FieldType.STRINGS), _combined(_item_atoms, 4)),
    st.builds(lambda f, c: AllItems(field=f, condition=c), _named(FieldType.STRINGS), _combined(_item_atoms, 4)),
)

filters: st.SearchStrategy[Filter] = _combined(st.one_of(_atoms, _lambdas), 8)
"""Trees of up to eight conditions on fields that chunks have."""
