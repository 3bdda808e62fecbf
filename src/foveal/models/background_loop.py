"""One event loop in a background thread, on which every call to a model server runs.

Sync roles (captioner, embedder) get deadlines and cancellation that a blocking socket cannot give, and one pool of
connections serves threads and event loops alike: a client's connections belong to the loop they were opened on, so
they must not be opened on a loop that comes and goes.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from concurrent.futures import Future
from contextlib import aclosing
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_loops: list[asyncio.AbstractEventLoop] = []


def _loop() -> asyncio.AbstractEventLoop:
    """The loop, started at first use. Its thread is a daemon: it never keeps the process alive."""
    with _lock:
        if not _loops:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="foveal-model-calls", daemon=True).start()
            _loops.append(loop)
        return _loops[0]


# A forked child has no such thread: it starts its own at first use.
if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_loops.clear)


def spawn(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Start `work` on the loop; its result as a future of any thread."""
    return asyncio.run_coroutine_threadsafe(work, _loop())


def wait(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` on the loop and wait for it, from any thread but the loop's own. Interrupted, it is cancelled."""
    future = spawn(work)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


async def relay(source: Callable[[], AsyncGenerator[T, None]]) -> AsyncIterator[T]:
    """Iterate over `source()` running on the loop, from another loop.

    The source runs ahead of a slow consumer, so that a server is not kept waiting by one. Leaving the iteration early,
    or being cancelled, cancels the source.
    """
    here = asyncio.get_running_loop()
    items: asyncio.Queue[T | None] = asyncio.Queue()

    def put(item: T | None) -> None:
        if not here.is_closed():
            here.call_soon_threadsafe(items.put_nowait, item)

    async def pump() -> None:
        try:
            async with aclosing(source()) as running:
                async for item in running:
                    put(item)
        finally:
            put(None)

    pumping = spawn(pump())
    try:
        while (item := await items.get()) is not None:
            yield item
        await asyncio.wrap_future(pumping)
    finally:
        pumping.cancel()
