"""`foveal serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.session import session

if TYPE_CHECKING:
    from foveal.cli.session import Session
    from foveal.runtime import Foveal


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = None,
) -> None:
    """Serve the HTTP API."""
    here = session(context)
    here.flags.update({k: v for k, v in (("serve.host", host), ("serve.port", port)) if v is not None})
    with here.open() as foveal:
        run_server(here, foveal)


def run_server(here: Session, foveal: Foveal) -> None:
    """Listen until stopped; says where once it does."""
    import socket

    import uvicorn

    from foveal.asgi import create_app
    from foveal.errors import SettingsError

    serving = here.settings.serve
    key = serving.api_key.get_secret_value()
    shown = f"[{serving.host}]" if ":" in serving.host else serving.host
    loopback = serving.host in {"127.0.0.1", "::1", "localhost"}
    if not key and not loopback:
        raise SettingsError(
            f"Without a key the server listens on this machine only, not on {serving.host}.",
            remedy="Set serve.api_key (FOVEAL_SERVE_API_KEY).",
        )
    app = create_app(foveal, api_keys=(key,) if key else (), concurrency=serving.concurrency, queue=serving.queue)
    family = socket.AF_INET6 if ":" in serving.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((serving.host, serving.port))
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {serving.host}:{serving.port}: {error.strerror}.", remedy="Name another --port."
        ) from None
    address = f"http://{shown}:{listener.getsockname()[1]}"
    here.notes.print(f"Serving on {address} (Ctrl-C stops)", markup=False)
    here.notes.print(f"  search:  {address}/v1/search", markup=False)
    here.notes.print(f'  OpenAI:  AzureOpenAI(azure_endpoint="{address}", api_key="…")', markup=False)
    if not key:
        here.notes.print("  No key is set: only this machine can reach it.", markup=False)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])
