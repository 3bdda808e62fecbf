"""The parts of a home for each text model that its indexes are made with.

An index is searched, ingested into and calibrated with the model that made its vectors. The home's own needs nothing of
this; for another, everything that follows from the text model is made anew, and everything else is shared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from foveal.errors import ConflictError, IndexNotFoundError
from foveal.runtime.models import Models

if TYPE_CHECKING:
    from foveal.ports.models import TextEmbedder
    from foveal.runtime.parts import Parts

SHARED = (
    "engine",
    "catalog",
    "log",
    "store",
    "derived",
    "cache",
    "image_reader",
    "video_reader",
    "readers",
    "limits",
    "judge",
    "images",
    "deployments",
)
"""Parts that do not depend on the text model."""
OWN = "foveal-embedding"
"""The deployment that is the home's own text model (`foveal.runtime.deployments`)."""


class ModelsOfText(Models):
    """The models of a home with another text model among them.

    Args:
        models: The home's.
        name: What the text model is called.
        text: Gives it.
    """

    def __init__(self, models: Models, name: str, text: Callable[[], TextEmbedder]) -> None:
        self.__dict__.update(models.__dict__)  # what has been made stays one, whoever makes it first
        self._name = name
        self._given = text

    @property
    def text(self) -> TextEmbedder:
        """The other one."""
        return self._once(f"text of {self._name}", self._given)

    @property
    def queries(self) -> TextEmbedder:
        """The same with an eye on questions asked before."""
        from foveal.models.text_embedder import CachedQueries

        return self._once(f"queries of {self._name}", lambda: CachedQueries(self.text))


def stored_name(deployment: str) -> str:
    """What `IndexRecord.text_model` says of a deployment."""
    return "" if deployment == OWN else deployment


def parts_for(parts: Parts, text_model: str) -> Parts:
    """The parts of a home for a text model; to be kept by the caller.

    Raises:
        DeploymentNotFoundError: There is no such deployment.
        OperationError: It is not for embeddings.
    """
    from foveal.runtime.parts import Parts as AllParts

    parts.deployments.embedder(text_model)  # what is wrong with it shows now

    def given() -> TextEmbedder:
        return parts.deployments.embedder(text_model)

    def ensure_index(index: str) -> None:
        if text_model_of(parts, index) != text_model:
            raise ConflictError(
                f"The vectors of the index {index} were made anew with another model meanwhile.",
                remedy="Do it again.",
            )

    made = AllParts(
        parts.settings, ModelsOfText(parts.models, text_model, given), picture=parts.picture, ensure_index=ensure_index
    )
    made.text_model = text_model
    for name in SHARED:
        made.__dict__[name] = getattr(parts, name)
    return made


def text_model_of(parts: Parts, index: str) -> str:
    """The text model that an index is made with; the home's own where there is no index yet."""
    try:
        return parts.catalog.index(index).text_model
    except IndexNotFoundError:
        return ""
