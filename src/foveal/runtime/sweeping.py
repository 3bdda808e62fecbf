"""What nobody has a name for any more: deleted.

A process that is killed between two steps of a deletion leaves bytes behind: thumbnails of files that left the index,
uploads without a row. Nothing leads to them, so nothing shows them; still they are somebody's pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from foveal.types.uploads import QUESTIONS_INDEX

if TYPE_CHECKING:
    from foveal.runtime.parts import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What was deleted.

    Attributes:
        derived: Assets whose thumbnails and copies were, because no index has them.
        uploads: Uploaded bytes without a file.
        unfinished: Files that were half here for too long.
        questions: Videos of questions that were asked long ago.
    """

    derived: int
    uploads: int
    unfinished: int
    questions: int = 0


def sweep(parts: Parts) -> Swept:
    """Delete what is left behind. What is in use is never touched: thumbnails that are missed are made anew."""
    now = datetime.now(UTC)
    questions = parts.uploads.expire(QUESTIONS_INDEX, now - timedelta(days=parts.settings.uploads.questions_days))
    # Before the catalog is read: what is indexed meanwhile is in neither.
    left = {*parts.derived.assets(), *parts.kept.assets()}
    for record in parts.catalog.indexes() if left else ():
        left -= {document.asset_id for document in parts.catalog.documents(record.name)}
    parts.derived.delete(left)
    return Swept(
        derived=len(left),
        uploads=parts.upload_store.sweep(),
        unfinished=parts.upload_store.abandon_before(now - parts.uploads.limits.kept_for),
        questions=questions,
    )
