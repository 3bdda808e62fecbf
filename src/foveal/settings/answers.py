"""How questions are answered, and what of it is filtered and kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from foveal.settings.group import Group


class Answering(Group):
    """Defaults of an answer; names follow Azure OpenAI On Your Data."""

    top_n_documents: int = Field(5, ge=1, le=50, description="Documents an answer rests on, at most.")
    strictness: int = Field(3, ge=1, le=5, description="How well a document must match: 1 lax, 5 strict.")
    in_scope: bool = Field(True, description="Limit answers to your data.")


Threshold = Literal["low", "medium", "high", "off"]
"""Least severity that is filtered; `off` filters nothing and still reports."""


class Safety(Group):
    """Content filters of prompts and answers. The thresholds are Azure OpenAI's defaults."""

    on: bool = Field(True, description="Judge prompts and answers.")
    endpoint: str = Field("", description="Azure AI Content Safety; without it only sexual images are judged, locally.")
    api_key: SecretStr = Field(SecretStr(""), description="Key of that endpoint; never logged or shown.")
    timeout_s: float = Field(5.0, gt=0, description="Seconds one call to it may take.")
    retries: int = Field(2, ge=0, le=20, description="Retries after 429, 5xx and lost connections.")
    prompt_hate: Threshold = Field("medium", description="Least hate that stops a prompt.")
    prompt_self_harm: Threshold = Field("medium", description="Least self-harm that stops a prompt.")
    prompt_sexual: Threshold = Field("medium", description="Least sexual content that stops a prompt.")
    prompt_violence: Threshold = Field("medium", description="Least violence that stops a prompt.")
    answer_hate: Threshold = Field("medium", description="Least hate that stops an answer.")
    answer_self_harm: Threshold = Field("medium", description="Least self-harm that stops an answer.")
    answer_sexual: Threshold = Field("medium", description="Least sexual content that stops an answer.")
    answer_violence: Threshold = Field("medium", description="Least violence that stops an answer.")


def _endpoints(value: str) -> str:
    """Refuses what is neither a host nor an http or https address."""
    for entry in filter(None, (one.strip() for one in value.split(","))):
        scheme, separator, host = entry.rpartition("://")
        if scheme not in ({"http", "https"} if separator else {""}) or not host.strip("*./") or "/" in host.rstrip("/"):
            raise ValueError(f"{entry} is no host and no address of one")
    return value


class Live(Group):
    """Indexes of other services that requests name themselves."""

    endpoints: Annotated[str, AfterValidator(_endpoints)] = Field(
        "",
        description="Services that chat requests may name, to be searched with the key that they bring: hosts with "
        "commas between (`contoso.search.windows.net`; `*.` in front for all below it), spoken to over https unless "
        "an entry begins with `http://`. Empty: none, only saved live indexes are searched.",
    )

    def address(self, host: str) -> str | None:
        """The address of a host that is listed, None for any other."""
        for entry in filter(None, (one.strip().rstrip("/").lower() for one in self.endpoints.split(","))):
            scheme, _, listed = entry.rpartition("://")
            below = listed.startswith("*.") and host.lower().endswith(listed[1:])
            if below or host.lower() == listed:
                return f"{scheme or 'https'}://{host.lower()}"
        return None


class Keeping(Group):
    """What is kept of conversations."""

    on: bool = Field(True, description="Keep the conversations of the web page, for each person.")
    share_days: float = Field(30.0, gt=0, le=3650, description="Days that a link to a shared conversation opens.")
