"""A service's life inside one event loop: what it begins, it ends."""

import asyncio
import gc
import inspect

from mlgate.service import Service

import pytest
import sklearn
import uvicorn
from fastapi import FastAPI
from servers import make_root
from uvicorn.lifespan.on import LifespanOn
from uvicorn.server import ServerState


def test_whatever_ends_the_service_its_watch_has_ended_before(tmp_path, monkeypatch):
    monkeypatch.setattr(gc, "freeze", lambda: None)
    watches = []

    async def crash() -> None:
        async with Service(make_root(tmp_path / "root")).running(FastAPI()):
            watches.extend(asyncio.all_tasks() - {asyncio.current_task()})
            raise ZeroDivisionError

    async def watches_done() -> list[bool]:
        with pytest.raises(ZeroDivisionError):
            await crash()
        return [watch.done() for watch in watches]

    with sklearn.config_context():
        assert asyncio.run(watches_done()) == [True]


def test_the_private_parts_of_uvicorn_that_the_server_stands_on_are_there():
    config = uvicorn.Config(FastAPI())
    config.load()
    assert isinstance(ServerState().default_headers, list)
    assert isinstance(LifespanOn(config).state, dict)
    assert {"config", "server_state", "app_state"} <= set(inspect.signature(config.http_protocol_class).parameters)
    assert inspect.iscoroutinefunction(uvicorn.Server.shutdown)
    assert list(inspect.signature(uvicorn.Server.shutdown).parameters) == ["self", "sockets"]
