"""The HTTP server: its pages, who signs in, and what it sends for and is sent."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator

from foveal.settings.group import Group


class Serving(Group):
    """`foveal serve`."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8808, ge=0, le=65535, description="Port; 0 takes a free one.")
    api_key: SecretStr = Field(SecretStr(""), description="A key with every right, beside those of `foveal keys`.")
    open_links: bool = Field(
        False, description="Let the signed links of replies open without a key, for what their groups may see."
    )
    cors_origins: str = Field("", description="Origins whose pages may read replies, with commas between.")
    request_seconds: float = Field(600.0, gt=0, description="Longest request, its body and its answer included.")
    tls: bool = Field(False, description="Serve https with a certificate made for trying out, kept in the home.")
    ssl_certfile: str = Field("", description="Serve https with this certificate (PEM).")
    ssl_keyfile: str = Field("", description="Its private key (PEM); empty: in the same file.")
    ssl_keyfile_password: SecretStr = Field(SecretStr(""), description="Password of the private key.")
    concurrency: int = Field(8, ge=1, le=1024, description="Searches worked on at once.")
    queue: int = Field(128, ge=0, description="Requests that may wait; one more is answered 429.")
    refresh: bool = Field(True, description="Refresh saved sources when they are due.")
    jobs: bool = Field(True, description="Run queued jobs; off where `foveal work` does.")

    @property
    def origins(self) -> tuple[str, ...]:
        """`cors_origins`, one by one, as browsers write them."""
        return tuple(o.strip().rstrip("/") for o in self.cors_origins.split(",") if o.strip())


class OpenId(Group):
    """Signing in with a provider of OpenID Connect. Off while `issuer` is empty."""

    issuer: str = Field("", description="The provider, as it calls itself: its address without `/.well-known/…`.")
    client_id: str = Field("", description="What this server is called there.")
    client_secret: SecretStr = Field(SecretStr(""), description="Its secret there; empty: a public client with PKCE.")
    audience: str = Field(
        "", description="What access tokens for the API are made out to, with commas between; empty: `client_id`."
    )
    scopes: str = Field("openid profile email", description="What is asked for, with blanks between.")
    label: str = Field("", description="What the button says after `Sign in with`; empty: the provider's host.")
    name_claim: str = Field("name", description="Claim with the name to be shown.")
    groups_claim: str = Field("groups", description="Claim with the groups; `a.b` is the claim b inside the claim a.")
    roles_claim: str = Field("roles", description="Claim with the roles.")
    owners: str = Field("owner", description="Roles there that are `owner` here, with commas between.")
    contributors: str = Field("contributor", description="Roles there that are `contributor` here.")
    readers: str = Field("reader", description="Roles there that are `reader` here.")
    default_role: Literal["none", "reader", "contributor", "owner"] = Field(
        "reader", description="Role of people who are given none of these; `none`: they may not come in."
    )

    @property
    def on(self) -> bool:
        """Whether there is a provider."""
        return bool(self.issuer)

    @model_validator(mode="after")
    def _whole(self) -> OpenId:
        if self.issuer and not self.client_id:
            raise ValueError("openid.issuer needs openid.client_id beside it")
        return self


class SigningIn(Group):
    """People in a browser."""

    hours: float = Field(12.0, gt=0, le=24 * 90, description="Hours after which somebody has to sign in again.")
    url: str = Field(
        "",
        description="Address under which browsers reach this server, where a proxy hides it; empty: the one they name.",
    )


class Embedded(Group):
    """A chat in the pages of another site."""

    origins: str = Field("", description="Origins of the sites that may show it, with commas between; empty: none may.")
    indexes: str = Field("", description="Indexes that are asked, with commas between; empty: all.")
    groups: str = Field("", description="Groups whose documents visitors see beside those that are for everybody.")
    requests_per_minute: int = Field(120, ge=1, description="Most requests of all visitors together in any minute.")


class WebPages(Group):
    """How the web pages look."""

    title: str = Field("Foveal", min_length=1, max_length=60, description="What the product is called here.")
    logo: str = Field("", description="Path of a picture (SVG, PNG) beside the title.")
    colour: Annotated[str, StringConstraints(pattern=r"^(#[0-9a-fA-F]{6})?$")] = Field(
        "", description="Colour of buttons and links on light pages, as `#0b6b5b`."
    )
    colour_dark: Annotated[str, StringConstraints(pattern=r"^(#[0-9a-fA-F]{6})?$")] = Field(
        "", description="The same on dark pages; empty: the one of light pages."
    )
    welcome: str = Field("", max_length=300, description="What the empty chat says in place of its own words.")
    disclaimer: str = Field("", max_length=500, description="A line below the field for questions.")


def _networks(value: str) -> str:
    """Refuses what is no host, address or network."""
    if value:
        from foveal.sources.public_addresses import Allowed

        Allowed.of(value.split(","))
    return value


class Fetching(Group):
    """Images and videos that requests give by address (`https://…`)."""

    on: bool = Field(True, description="Fetch them; never done while `offline`.")
    allow: Annotated[str, AfterValidator(_networks)] = Field(
        "",
        description="Hosts, addresses and networks (`10.1.0.0/16`) to fetch from though they are not on the public "
        "internet, with commas between.",
    )
    max_bytes: int = Field(20 * 2**20, ge=1, description="Longest image.")
    seconds: float = Field(15.0, gt=0, description="Longest fetch of an image, redirects included.")
    file_bytes: int = Field(8 * 2**30, ge=1, description="Longest file that an ingestion over HTTP brings.")
    file_seconds: float = Field(3600.0, gt=0, description="Longest fetch of such a file.")
    kept_bytes: int = Field(
        8 * 2**30, ge=0, description="Copies of videos of remote sources kept to be played; 0 keeps none."
    )

    @property
    def allowed(self) -> tuple[str, ...]:
        """`allow`, one by one."""
        return tuple(entry.strip() for entry in self.allow.split(",") if entry.strip())


class Uploading(Group):
    """Files that people send; `limits` says how large an image or a document may be."""

    file_bytes: int = Field(2 * 2**30, ge=1, description="Largest file of any kind.")
    request_bytes: int = Field(4 * 2**30, ge=1, description="Most bytes of one request; larger files come in pieces.")
    files: int = Field(1000, ge=1, description="Most files of one request.")
    unfinished_hours: float = Field(24.0, gt=0, description="How long a file that is half here waits for its rest.")
    questions_days: float = Field(7.0, gt=0, description="How long a video is kept that was attached to a question.")
