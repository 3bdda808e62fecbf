"""How files are read and understood."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from foveal.settings.group import Group
from foveal.settings.models import SpeechServer


class Understanding(Group):
    """Which local models look at images."""

    objects: bool = Field(True, description="Detect objects with boxes (needs npm once, to fetch the model).")
    regions: bool = Field(True, description="Make detected objects findable by themselves (six an image at most).")
    ocr: bool = Field(True, description="Read text in images.")
    safety: bool = Field(True, description="Score sensitive content.")
    vision: bool = Field(False, description="Use a pulled vision-language model for captions and answers.")
    joint: bool = Field(False, description="Use a pulled joint image-text model as the image encoder.")


class Speech(Group):
    """How what is said in videos and recordings becomes words."""

    on: bool = Field(True, description="Recognise speech. The model (133 MB) comes with the first file that has sound.")
    size: Literal["base", "small", "medium", "large-v3"] = Field(
        "base", description="Size of the local model; those over `base` are pulled by name, `whisper-small`."
    )
    language: str = Field("", description="What is spoken (ISO 639-1); empty: the model tells.")
    server: SpeechServer = Field(default_factory=SpeechServer, description="A server in place of the local model.")


class Video(Group):
    """How videos are looked at."""

    static_seconds: float = Field(
        30.0, ge=1, description="A shot in which nothing changes is looked at again after so many seconds."
    )
    seconds: float = Field(14_400.0, gt=0, description="Longest decoding of one video or recording.")
    frames: int = Field(24, ge=1, le=500, description="Frames that a chat model is shown of the videos of a question.")
    full_frames: int = Field(6, ge=0, le=100, description="Of these, how many of what is asked for in full resolution.")


class DecodeLimits(Group):
    """What decoding one file may take."""

    image_bytes: int = Field(16 * 2**20, ge=1, description="Largest image file.")
    text_bytes: int = Field(16 * 2**20, ge=1, description="Largest text file.")
    document_bytes: int = Field(64 * 2**20, ge=1, description="Largest document file (PDF, Office).")
    inflated_bytes: int = Field(256 * 2**20, ge=1, description="Most bytes an Office file may unpack to.")
    document_pages: int = Field(2000, ge=1, description="Pages, slides or sheets read of one document.")
    document_seconds: float = Field(120.0, gt=0, description="Longest reading of one document.")
    pictures: int = Field(500, ge=0, description="Pictures looked at in one document.")
    pixels: int = Field(100_000_000, ge=1, description="Most pixels of one image, from its header.")
    pages: int = Field(200, ge=1, description="Pages read of one multi-page image.")
    seconds: float = Field(20.0, gt=0, description="Longest decoding of one file.")


class Chunking(Group):
    """How text is cut."""

    tokens: int = Field(1024, ge=64, le=8192, description="Most tokens of a chunk.")
    overlap_tokens: int = Field(128, ge=0, le=1024, description="Tokens repeated from the chunk before.")
