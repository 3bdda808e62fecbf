"""Where a text model puts questions: anchors for what image models know, and the directions that mean nothing.

Multilingual text models move a vector for its language and manner as well as for its subject. An image vector that
has a part along such a direction gains or loses against every question asked that way, whatever it shows. Those
directions, found as differences of the means of parallel questions, are taken out of everything the adapter handles.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foveal.errors import StoreCorruptError
from foveal.ports.models import TextEmbedder
from foveal.retrieval.background import MANNERS, PARALLEL, SUBJECTS
from foveal.types.vectors import FloatArray

_VERSION = 1
_PROMPT = "a photo of a {}"
"""As for zero-shot classes in Radford et al. 2021 (arXiv:2103.00020); here it makes a label ask like a person."""
_LEAST_NUISANCE = 1e-3
"""Singular value below which a direction is rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSpace:
    """Fixed points of one text model. Everything but `subjects` has the manner taken out.

    Attributes:
        identity: The text model's; vectors of another model must not be compared with these.
        labels: float32 [labels, d], questions for the image encoder's labels, centred on their mean.
        classes: float32 [classes, d], likewise for the detector's classes.
        subjects: float32 [subjects, d], `SUBJECTS` as questions, as the model gives them (rows L2-normalised).
        manner: float32 [k, d], orthonormal rows: directions of language and manner.
    """

    identity: str
    labels: FloatArray
    classes: FloatArray
    subjects: FloatArray
    manner: FloatArray

    def subject_of(self, vectors: FloatArray) -> FloatArray:
        """Vectors [..., d] without their part along `manner`."""
        rest = vectors - (vectors @ self.manner.T) @ self.manner
        return rest.astype(np.float32)

    def to_bytes(self) -> bytes:
        """The space, to be kept; numpy's npz, nothing executable."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            version=np.int64(_VERSION),
            identity=np.array(self.identity),
            labels=self.labels,
            classes=self.classes,
            subjects=self.subjects,
            manner=self.manner,
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> TextSpace:
        """Read what `to_bytes` wrote.

        Raises:
            StoreCorruptError: It is something else, or of another version.
        """
        arrays = read_arrays(data, what="text space", version=_VERSION)
        return cls(
            identity=str(arrays["identity"]),
            labels=arrays["labels"],
            classes=arrays["classes"],
            subjects=arrays["subjects"],
            manner=arrays["manner"],
        )


def build_text_space(embedder: TextEmbedder, labels: Sequence[str], classes: Sequence[str]) -> TextSpace:
    """Embed the fixed points: about 600 questions and one for every label; seconds, so keep the result.

    Args:
        embedder: The text model of the index.
        labels: The image encoder's labels; empty when it knows none.
        classes: The detector's classes; empty when there is no detector.
    """
    subjects = embedder.embed_queries(SUBJECTS)
    manner = _manner(embedder, subjects)

    def anchors(names: Sequence[str]) -> FloatArray:
        if not names:
            return np.zeros((0, subjects.shape[1]), np.float32)
        vectors = embedder.embed_queries([_PROMPT.format(name) for name in names])
        centred = vectors - vectors.mean(axis=0)
        rest: FloatArray = centred - (centred @ manner.T) @ manner
        return rest

    return TextSpace(
        identity=embedder.identity,
        labels=anchors(labels),
        classes=anchors(classes),
        subjects=subjects,
        manner=manner,
    )


def _manner(embedder: TextEmbedder, subjects: FloatArray) -> FloatArray:
    """Orthonormal rows that span the differences of means between languages, manners and asking or telling."""
    plain = subjects.mean(axis=0)
    differences = [embedder.embed_queries([manner(s) for s in SUBJECTS]).mean(axis=0) - plain for manner in MANNERS]
    differences.append(embedder.embed_passages(SUBJECTS).mean(axis=0) - plain)
    by_language = {language: embedder.embed_queries(texts).mean(axis=0) for language, texts in PARALLEL.items()}
    english = by_language.pop("en")
    differences.extend(mean - english for mean in by_language.values())
    _, sizes, directions = np.linalg.svd(np.stack(differences).astype(np.float32), full_matrices=False)
    kept: FloatArray = directions[sizes > _LEAST_NUISANCE]
    return kept


def read_arrays(data: bytes, *, what: str, version: int) -> dict[str, FloatArray]:
    """The arrays of an npz that holds no pickles and has this `version`.

    Raises:
        StoreCorruptError: It does not read as such.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (ValueError, OSError, EOFError, KeyError, _bad_zip()) as error:
        raise StoreCorruptError(
            f"The stored {what} does not read: {error}.", remedy="Ingest again to refit it."
        ) from error
    if int(arrays.get("version", np.int64(-1))) != version:
        raise StoreCorruptError(
            f"The stored {what} is of another version than {version}.", remedy="Ingest again to refit it."
        )
    return arrays


def _bad_zip() -> type[Exception]:
    import zipfile

    return zipfile.BadZipFile
