"""Ingestion jobs of Azure OpenAI → saved sources of blobs and their jobs, and back.

A job is a source, read into the index that the job's id names; a run is a job of Foveal's that refreshes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from foveal.api.azure_openai.ingestion_schemas import (
    SYSTEM_KINDS,
    Connection,
    JobBody,
    OperationState,
    Progress,
    Run,
    RunError,
    StageProgress,
)
from foveal.api.errors import BodyError
from foveal.types.ingestions import AssetFailure, Ingestion, IngestionState
from foveal.types.sources import Credential, CredentialKind, SavedSource, Secret, SourceDraft, SourceKind

HIDDEN = "*****"
"""What is sent back of a key or a connection string."""
SECRETS = frozenset({"key", "connectionstring"})
RESOURCE = "resourceid="
"""How ids of resources begin in the spelling of 2024-05-01-preview."""
MOST_TOLD = 100
"""Failures of a run told one by one."""

_STATES: dict[IngestionState, OperationState] = {
    IngestionState.QUEUED: "notRunning",
    IngestionState.RUNNING: "running",
    IngestionState.SUCCEEDED: "succeeded",
    IngestionState.PARTIAL: "succeeded",
    IngestionState.INTERRUPTED: "failed",
    IngestionState.CANCELLED: "failed",
    IngestionState.FAILED: "failed",
}
_INDEXING = frozenset({"finish"})
"""Stages of a job in which its search indexes are built."""


def source_name(job_id: str) -> str:
    """Name of the source that stands for a job; ids may be of any script, names of sources may not."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in job_id.lower())[:40]
    name = f"ingestion-{plain}"
    return name if plain == job_id else f"{name}-{hashlib.sha256(job_id.encode()).hexdigest()[:12]}"


def draft_of(job_id: str, body: JobBody, groups: tuple[str, ...]) -> tuple[SourceDraft, Credential]:
    """The source that a job comes to, and what opens it.

    Raises:
        BodyError: It is of a kind that only the service ran, or does not say what is read.
    """
    if body.kind not in SYSTEM_KINDS:
        raise BodyError([(("kind",), "Jobs on compute of a workspace's own are not run here; use SystemCompute")])
    if body.datasource.kind != "storage":
        raise BodyError([(("datasource", "kind"), "Web pages are not crawled here; put them into a container")])
    connection = body.datasource.connection
    if connection is None:
        raise BodyError([(("datasource", "connection"), "It is not said how the storage account is reached")])
    if not body.datasource.container:
        raise BodyError([(("datasource", "containerName"), "It is not said which container is read")])
    account_url, credential = _opened(connection)
    draft = SourceDraft(
        name=source_name(job_id),
        kind=SourceKind.AZURE_BLOB,
        index=job_id,
        account_url=account_url,
        container=body.datasource.container,
        groups=groups,
        every=f"{body.refresh_h}h" if body.refresh_h else "",
    )
    return draft, credential


def definition_of(job_id: str, sent: Mapping[str, object]) -> str:
    """What `GET` sends back: the job as it was sent, without what opens anything."""
    return json.dumps({**_shown(sent), "jobId": job_id})


def job_id_of(saved: SavedSource) -> str | None:
    """Id of the job that a source stands for; None for one that was made otherwise."""
    return str(json.loads(saved.settings.definition)["jobId"]) if saved.settings.definition else None


def run_of(job_id: str, job: Ingestion, failures: Sequence[AssetFailure] | None) -> Run:
    """A run on the wire.

    Args:
        job_id: Of the job it is a run of.
        job: Of Foveal's.
        failures: What it could not use; None: this is a list, which has neither these nor the progress.
    """
    status = _STATES[job.state]
    if failures is None:
        return Run(jobId=job_id, runId=job.ingestion_id, status=status)
    told = [f"{f.path}: {f.reason} {f.remedy}".rstrip() for f in failures[:MOST_TOLD]]
    if status == "failed":
        message = job.message or f"The run was {job.state.value}."
        return Run(
            jobId=job_id,
            runId=job.ingestion_id,
            status=status,
            error=RunError(message=message, innerErrors=told or None),
            progress=_progress(job),
        )
    return Run(jobId=job_id, runId=job.ingestion_id, status=status, warnings=told or None, progress=_progress(job))


def _progress(job: Ingestion) -> Progress:
    status = _STATES[job.state]
    indexing = job.stage in _INDEXING
    first: OperationState = "succeeded" if indexing and status in {"running", "failed"} else status
    second: OperationState = status if indexing or status in {"succeeded", "notRunning"} else "notRunning"
    known = job.state is not IngestionState.QUEUED and bool(job.stage)
    done = job.counts.added + job.counts.changed + job.counts.moved if second == "succeeded" else None
    return Progress(
        stageProgress=[
            StageProgress(
                name="Preprocessing",
                totalItems=job.progress.todo if known else None,
                processedItems=job.progress.done if known else None,
                state=first,
            ),
            StageProgress(name="Indexing", totalItems=done, processedItems=done, state=second),
        ]
    )


def _opened(connection: Connection) -> tuple[str, Credential]:
    """Blob endpoint (empty: the credential says it), and what opens it."""
    text = connection.connection_string.get_secret_value()
    if connection.kind == "endpointwithkey":
        secret = Secret(connection.key.get_secret_value())
        return connection.endpoint, Credential(kind=CredentialKind.ACCOUNT_KEY, secret=secret)
    if connection.kind == "connectionstring" and not text.lower().startswith(RESOURCE):
        return "", Credential(kind=CredentialKind.CONNECTION_STRING, secret=Secret(text))
    if connection.kind in {"endpointwithmanagedidentity", "connectionstring"}:
        account_url = connection.endpoint or _account_url(connection.resource_id or text)
        return account_url, Credential(kind=CredentialKind.IDENTITY)
    raise BodyError([(("datasource", "connection", "kind"), "Such a connection does not lead to a storage account")])


def _account_url(resource_id: str) -> str:
    """Blob endpoint of a storage account by its id: `…/providers/Microsoft.Storage/storageAccounts/NAME`."""
    begin = len(RESOURCE) if resource_id.lower().startswith(RESOURCE) else 0
    account, _, name = resource_id[begin:].strip().rstrip(";/").rpartition("/")
    known = account.lower().endswith("/storageaccounts") and name.isascii() and name.isalnum()
    return f"https://{name}.blob.core.windows.net" if known else ""


def _shown(sent: Mapping[str, object]) -> dict[str, object]:
    return {name: HIDDEN if name.lower() in SECRETS else _value(value) for name, value in sent.items()}


def _value(value: object) -> object:
    if isinstance(value, dict):
        return _shown(value)
    return [_value(one) for one in value] if isinstance(value, list) else value
