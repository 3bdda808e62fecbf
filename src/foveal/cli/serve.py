"""`foveal serve`."""

from __future__ import annotations

import threading
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.session import session

if TYPE_CHECKING:
    import socket

    from foveal.api.native.embed import Embedding
    from foveal.cli.session import Session
    from foveal.runtime import Foveal
    from foveal.runtime.tls import Tls
    from foveal.settings.serving import Embedded, Serving, WebPages
    from foveal.web.brand import Brand

BACKLOG = 2048
"""Connections that wait to be taken; uvicorn's own number."""
SWEEP_S = 3600.0
"""Between two sweeps of what nobody has a name for, or asked about long ago."""


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = None,
    tls: Annotated[
        bool | None, typer.Option("--tls", help="Serve https with a certificate made for trying out.")
    ] = None,
    certfile: Annotated[Path | None, typer.Option("--ssl-certfile", help="Serve https with this certificate.")] = None,
    keyfile: Annotated[Path | None, typer.Option("--ssl-keyfile", help="Its private key.")] = None,
    password: Annotated[str | None, typer.Option("--ssl-keyfile-password", help="Password of that key.")] = None,
) -> None:
    """Serve the web app and the HTTP API."""
    here = session(context)
    given = {
        "serve.host": host,
        "serve.port": port,
        "serve.tls": tls,
        "serve.ssl_certfile": certfile and str(certfile),
        "serve.ssl_keyfile": keyfile and str(keyfile),
        "serve.ssl_keyfile_password": password,
    }
    here.flags.update({k: v for k, v in given.items() if v is not None})
    with here.open() as foveal:
        run_server(here, foveal)


def run_server(here: Session, foveal: Foveal) -> None:
    """Listen until stopped; says where once it does."""
    import uvicorn

    from foveal.api.native.upload_forms import FormLimits
    from foveal.asgi import create_app
    from foveal.cli.work import tell
    from foveal.runtime.scheduler import refreshing
    from foveal.runtime.tls import tls_of
    from foveal.runtime.watching import watching

    serving = here.settings.serve
    uploads = here.settings.uploads
    key = serving.api_key.get_secret_value()
    locked = bool(key) or bool(foveal.parts.api_keys.records()) or foveal.desk.is_staffed()
    _refuse_openness(serving, locked=locked)
    app = create_app(
        foveal,
        api_keys=(key,) if key else (),
        keys=foveal.parts.api_keys,
        link_secret=foveal.parts.link_secret,
        open_links=serving.open_links,
        cors_origins=serving.origins,
        public_url=here.settings.sign_in.url.rstrip("/"),
        brand=_brand(here.settings.web),
        embedding=_embedding(here.settings.embed),
        request_seconds=serving.request_seconds,
        concurrency=serving.concurrency,
        queue=serving.queue,
        form_limits=FormLimits(request_bytes=uploads.request_bytes, files=uploads.files),
    )
    tls = tls_of(here.settings)
    listener = _listen(serving)
    _say_where(here, listener, tls, locked=locked)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
        ssl_keyfile_password=tls.password if tls else None,
    )
    sources, jobs = foveal.sources if serving.refresh else None, foveal.jobs if serving.jobs else None
    over = threading.Event()
    threading.Thread(target=_sweep, args=(foveal, over), name="foveal-sweep", daemon=True).start()
    with (
        refreshing(sources, lambda done: tell(here, done), jobs=jobs) if sources or jobs else nullcontext(),
        watching(sources, lambda line: here.notes.print(line, markup=False)) if sources else nullcontext(),
    ):
        uvicorn.Server(config).run(sockets=[listener])
        over.set()


def _sweep(foveal: Foveal, over: threading.Event) -> None:
    from foveal.errors import FovealError

    while True:
        with suppress(FovealError):  # the database is busy or away: the next time does it
            foveal.sweep()
        if over.wait(SWEEP_S):
            return


def _brand(web: WebPages) -> Brand:
    from foveal.web.brand import Brand, read_logo

    return Brand(
        title=web.title,
        colour=web.colour,
        colour_dark=web.colour_dark,
        welcome=web.welcome,
        disclaimer=web.disclaimer,
        logo=read_logo(web.logo),
    )


def _embedding(embed: Embedded) -> Embedding:
    from foveal.api.native.embed import Embedding
    from foveal.settings.group import listed

    return Embedding(
        origins=tuple(origin.rstrip("/") for origin in listed(embed.origins)),
        indexes=listed(embed.indexes),
        groups=listed(embed.groups),
        requests_per_minute=embed.requests_per_minute,
    )


def _refuse_openness(serving: Serving, *, locked: bool) -> None:
    from foveal.errors import SettingsError

    if not locked and serving.host not in {"127.0.0.1", "::1", "localhost"}:
        raise SettingsError(
            f"Without a key the server listens on this machine only, not on {serving.host}.",
            remedy="Make one with `foveal keys create NAME`, add people with `foveal people add NAME`, or set "
            "serve.api_key (FOVEAL_SERVE_API_KEY) or openid.issuer.",
        )


def _listen(serving: Serving) -> socket.socket:
    import socket

    from foveal.errors import SettingsError

    family = socket.AF_INET6 if ":" in serving.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((serving.host, serving.port))
        listener.listen(BACKLOG)  # from now on callers wait instead of being refused while the server starts
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {serving.host}:{serving.port}: {error.strerror}.", remedy="Name another --port."
        ) from None
    return listener


def _say_where(here: Session, listener: socket.socket, tls: Tls | None, *, locked: bool) -> None:
    host = here.settings.serve.host
    shown = f"[{host}]" if ":" in host else host
    address = f"{'https' if tls else 'http'}://{shown}:{listener.getsockname()[1]}"
    lines = [
        f"Serving on {address} (Ctrl-C stops)",
        f"  pages:   {address}/ (open it in a browser)",
        f"  search:  {address}/v1/search",
        f'  OpenAI:  AzureOpenAI(azure_endpoint="{address}", api_key="…")',
    ]
    if tls and tls.made:
        lines += [
            f"  TLS:     a certificate of this machine's own, in {tls.certificate}",
            f"           Python trusts it with SSL_CERT_FILE={tls.certificate}",
            f"           Node with NODE_EXTRA_CA_CERTS={tls.certificate}",
        ]
    if not locked:
        lines.append("  No key is set: only this machine can reach it.")
    for line in lines:
        here.notes.print(line, markup=False, soft_wrap=True)
