"""Every error Foveal raises, as one tree, branched by who can act on it.

```
FovealError
├── RequestError                 the caller can act                 4xx
│   ├── InvalidRequestError      invalid_request                    400
│   │   ├── FilterError          invalid_filter                     400
│   │   ├── ImageError           invalid_image                      400
│   │   ├── UpstreamRequestError upstream_refused                   400
│   │   ├── OperationError       operation_not_supported            400
│   │   └── SourceUnusableError  source_unusable                    400
│   ├── NotFoundError            not_found                          404
│   │   ├── IndexNotFoundError   index_not_found                    404
│   │   └── DeploymentNotFoundError  deployment_not_found           404
│   ├── ForbiddenError           forbidden                          403
│   ├── SignInRefusedError       sign_in_refused                    401
│   ├── ConflictError            conflict                           409
│   ├── RequestTimeoutError      request_timeout                    408
│   ├── PreconditionError        precondition_failed                412
│   ├── TooLargeError            too_large                          413
│   ├── OverloadedError          overloaded                         429
│   ├── RateLimitError           rate_limited                       429
│   └── ContentFilteredError     content_filter                     400
├── AssetError                   the owner of that file can act     a line in the report
│   ├── UnreadableAssetError     unreadable
│   ├── UnsupportedAssetError    unsupported
│   ├── AssetLimitError          over_limit
│   └── AssetFilteredError       filtered
├── ModelError                   wait, or the operator can act      503
│   ├── ModelUnavailableError    model_unavailable                  503
│   ├── ModelOverloadedError     model_overloaded                   429
│   ├── ModelTimeoutError        model_timeout                      504
│   ├── ModelRejectedError       model_rejected                     502
│   ├── ModelFailedError         model_failed                       502
│   ├── ModelChecksumError       model_checksum                     503
│   ├── BudgetError              budget_spent                       429
│   └── ProviderUnavailableError provider_unavailable               503
├── StoreError                   the operator can act; the message names the repair   500
│   ├── StoreBusyError           store_busy                         503
│   ├── LiveIndexBusyError       live_index_busy                    503
│   ├── HistoryUnavailableError  history_unavailable                503
│   └── StoreCorruptError        store_corrupt                      500
└── SettingsError                settings                           exit status 2
```

Each class has a stable `code` (what programs match on) and `status` (its HTTP status). A message says what
went wrong, with which thing; `remedy` says what to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal


class FovealError(Exception):
    """Root of the tree.

    Attributes:
        code: Stable identifier, the same in the CLI's JSON, the API and the docs.
        status: HTTP status at the API's edge.
        message: What went wrong, naming the thing.
        remedy: What the person who can act should do; empty when the message says it all.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class RequestError(FovealError):
    """The caller asked for something that cannot be done as asked."""

    code = "request"
    status = 400


class InvalidRequestError(RequestError):
    """A value in the request is malformed or out of range."""

    code = "invalid_request"


class FilterError(InvalidRequestError):
    """An OData filter does not parse, or names an unknown field."""

    code = "invalid_filter"


class ImageError(InvalidRequestError):
    """An image given with a request cannot be fetched or decoded.

    Attributes:
        reason: `address` where it could not be fetched, `content` where its bytes are at fault.
    """

    code = "invalid_image"

    def __init__(self, message: str, *, remedy: str = "", reason: Literal["address", "content"] = "content") -> None:
        super().__init__(message, remedy=remedy)
        self.reason = reason


class UpstreamRequestError(InvalidRequestError):
    """The model server that a request was passed on to says that it is wrong.

    Attributes:
        wire_code: The server's own `error.code`, empty when it has none.
        param: The parameter it names, None when it names none.
    """

    code = "upstream_refused"

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        wire_code: str = "",
        param: str | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.wire_code = wire_code
        self.param = param


class OperationError(InvalidRequestError):
    """A deployment is asked for what its model does not do."""

    code = "operation_not_supported"


class SourceUnusableError(InvalidRequestError):
    """A source cannot be read as a whole: unreachable, its key refused, no such container, nothing readable in it.

    Attributes:
        reason: Which of these: `unreachable`, `denied`, `not_found`, `empty`, `unreadable`, `refused` (the service
            says something else), `missing_package`.
    """

    code = "source_unusable"

    def __init__(self, message: str, *, remedy: str = "", reason: str = "refused") -> None:
        super().__init__(message, remedy=remedy)
        self.reason = reason


class NotFoundError(RequestError):
    """The thing named does not exist, or the caller may not know that it does."""

    code = "not_found"
    status = 404


class IndexNotFoundError(NotFoundError):
    """No index of that name."""

    code = "index_not_found"


class DeploymentNotFoundError(NotFoundError):
    """No deployment of that name."""

    code = "deployment_not_found"


class ForbiddenError(RequestError):
    """The caller is known, and may not do this."""

    code = "forbidden"
    status = 403


class SignInRefusedError(RequestError):
    """Somebody could not be signed in: a wrong password, a provider that says no, no role here."""

    code = "sign_in_refused"
    status = 401


class ConflictError(RequestError):
    """The request collides with the present state (an ingestion already runs, say)."""

    code = "conflict"
    status = 409


class RequestTimeoutError(RequestError):
    """The request's body did not arrive, or its work was not done, in the time a request may take."""

    code = "request_timeout"
    status = 408


class PreconditionError(RequestError):
    """The thing was changed since the caller saw it (`If-Match`), or is there already (`If-None-Match`)."""

    code = "precondition_failed"
    status = 412


class TooLargeError(RequestError):
    """The request, or an image in it, is over a size limit."""

    code = "too_large"
    status = 413


class OverloadedError(RequestError):
    """The server works on as much as it may and its queue is full; the same request succeeds later."""

    code = "overloaded"
    status = 429


class RateLimitError(RequestError):
    """The caller's key has had all the requests or tokens of this minute.

    Attributes:
        retry_after_s: Seconds until the same request is taken; None when it never is.
    """

    code = "rate_limited"
    status = 429

    def __init__(self, message: str, *, remedy: str = "", retry_after_s: float | None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class ContentFilteredError(RequestError):
    """A content filter, Foveal's own or that of a model server, refused the prompt.

    Attributes:
        results: What it found, by category, in the words of the wire (`filtered`, `severity`); empty when the server
            that refused did not say.
    """

    code = "content_filter"

    def __init__(
        self, message: str, *, remedy: str = "", results: Mapping[str, Mapping[str, bool | str]] | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.results = dict(results or {})


class AssetError(FovealError):
    """One file cannot be used. It becomes a line in the ingestion's report; the rest goes on.

    Attributes:
        stage: Where it failed: `fetch`, `sniff`, `read`, `understand` or `embed`.
    """

    code = "asset"
    status = 422

    def __init__(self, message: str, *, remedy: str = "", stage: str = "read") -> None:
        super().__init__(message, remedy=remedy)
        self.stage = stage


class UnreadableAssetError(AssetError):
    """The bytes are broken, encrypted, empty, or vanished."""

    code = "unreadable"


class UnsupportedAssetError(AssetError):
    """The type, told from the bytes, is not one Foveal reads."""

    code = "unsupported"


class AssetLimitError(AssetError):
    """Decoding would pass a limit on bytes, pixels, frames, pages or seconds."""

    code = "over_limit"


class AssetFilteredError(AssetError):
    """A model's content filter refused the file."""

    code = "filtered"


class ModelError(FovealError):
    """A model cannot answer now."""

    code = "model"
    status = 503


class ModelUnavailableError(ModelError):
    """The model is not installed, not pulled, or its server cannot be reached."""

    code = "model_unavailable"


class ModelOverloadedError(ModelError):
    """The model server answers 429 after every retry.

    Attributes:
        retry_after_s: Seconds the server asked to wait, None when it did not say.
    """

    code = "model_overloaded"
    status = 429

    def __init__(self, message: str, *, remedy: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class ModelTimeoutError(ModelError):
    """The model server did not answer within its deadline."""

    code = "model_timeout"
    status = 504


class ModelRejectedError(ModelError):
    """The model server refused the request (wrong key, unknown model, bad parameters)."""

    code = "model_rejected"
    status = 502


class ModelFailedError(ModelError):
    """The model server failed on the request (5xx); the same request may succeed later."""

    code = "model_failed"
    status = 502


class ModelChecksumError(ModelError):
    """A model file is not the one its card describes."""

    code = "model_checksum"


class BudgetError(ModelError):
    """The money or token budget set by the operator is spent."""

    code = "budget_spent"
    status = 429


class ProviderUnavailableError(ModelError):
    """The identity provider cannot be reached, or answers what it should not."""

    code = "provider_unavailable"


class StoreError(FovealError):
    """The catalog or an index cannot be used. The message names the repair."""

    code = "store"


class StoreBusyError(StoreError):
    """Another process holds the write lock past the deadline."""

    code = "store_busy"
    status = 503


class LiveIndexBusyError(StoreError):
    """A service whose index is searched live is over its limit, or fails; the same request may succeed later."""

    code = "live_index_busy"
    status = 503


class HistoryUnavailableError(StoreError):
    """Conversations cannot be read or kept now; everything else goes on."""

    code = "history_unavailable"
    status = 503


class StoreCorruptError(StoreError):
    """A store's files do not fit together."""

    code = "store_corrupt"


class SettingsError(FovealError):
    """A setting is unknown, malformed or contradicts another; refused at start."""

    code = "settings"
