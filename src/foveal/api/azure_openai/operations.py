"""Which operations a deployment serves. The texts and the code `OperationNotSupported` are Azure OpenAI's."""

from __future__ import annotations

from typing import Literal

from foveal.errors import OperationError
from foveal.types.status import Deployment

Operation = Literal["chatCompletion", "completion", "embeddings"]
SERVED: dict[Operation, str] = {"chatCompletion": "chat", "embeddings": "embedding"}
"""Kind of deployment by operation. Nothing serves `completion`: the service refused it for chat models."""


def require(deployment: Deployment, operation: Operation) -> None:
    """Refuse an operation that a deployment does not serve.

    Raises:
        OperationError: It does not.
    """
    if SERVED.get(operation) != deployment.kind:
        raise refusal(deployment, operation)


def refusal(deployment: Deployment, operation: Operation) -> OperationError:
    """The service's words for an operation that a deployment does not serve."""
    return OperationError(
        f"The {operation} operation does not work with the specified model, {deployment.model}. "
        "Please choose different model and try again."
    )
