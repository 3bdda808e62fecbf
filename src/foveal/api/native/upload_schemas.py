"""Bodies of `/v1/files`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from foveal.api.native.source_schemas import ReportFailure
from foveal.types.uploads import Fate

MAX_DESCRIPTION = 32_768


class FileState(StrEnum):
    """How searchable a file is."""

    PENDING = "pending"
    """It is here, and yet to be read into the index, or read again with other words."""
    INDEXED = "indexed"
    FAILED = "failed"
    """It cannot be used; `reason` says why."""


class FileOut(BaseModel):
    """An uploaded file."""

    file_id: str
    name: str
    source: str
    index: str
    state: FileState
    reason: str = Field("", description="Why it cannot be used.")
    size_bytes: int
    media_type: str
    description: str
    created_at: datetime
    changed_at: datetime


class SentOut(FileOut):
    """A file that was just sent, and what became of it. A duplicate's fields are those of the file there was."""

    outcome: Fate
    sent_as: str = Field(description="Its name as it was sent.")


class RefusedOut(BaseModel):
    """A file that was not kept."""

    name: str
    code: str
    message: str
    remedy: str


class RunOut(BaseModel):
    """What brings the index in line in the background."""

    source: str
    index: str
    groups: list[str]
    source_url: str = Field(
        description="Of the source that holds the files; with `/plan` behind it, what is to be done."
    )
    job_id: str | None = Field(description="The job; null where none was started.")
    url: str | None = Field(description="Of the job, which shows how it goes.")


class DescribedOut(FileOut):
    """A file with other words; `run` reads it again, and is null where the words are those it had."""

    run: RunOut | None


class UploadReply(BaseModel):
    """What became of files that were sent together."""

    run: RunOut
    files: list[SentOut]
    refused: list[RefusedOut]
    described: int = Field(description="Files that a metadata file of this request describes.")
    failures: list[ReportFailure] = Field(description="Entries of metadata files that could not be used.")


class FileList(BaseModel):
    """Uploaded files, by source and name; `next` is what `after` of the next page is to be."""

    files: list[FileOut]
    next: str | None


class DescriptionBody(BaseModel):
    """Other words on a file."""

    model_config = ConfigDict(extra="forbid")

    description: str = Field(max_length=MAX_DESCRIPTION, description="A person's words; empty: none.")


class RewordedOut(BaseModel):
    """The words of an image as they will be found, and the job that reads it again with them."""

    description: str
    job_id: str
    url: str = Field(description="Of the job, which shows how it goes.")


class ImportReply(BaseModel):
    """How descriptions from a file were taken."""

    run: RunOut
    described: int
    failures: list[ReportFailure]


class DeletedReply(BaseModel):
    """The file and its bytes are gone; what is searchable of it goes with this run."""

    run: RunOut


class UnfinishedOut(BaseModel):
    """A file that is on its way here."""

    upload_id: str
    name: str
    offset: int
    size_bytes: int | None
    expires_at: datetime


BODIES = (DescriptionBody,)
"""What the routes read by themselves."""
