"""A service's life inside one event loop: what it begins, it ends."""

import asyncio
import gc

from mlgate.service import Service

import pytest
import sklearn
from fastapi import FastAPI
from servers import make_root


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
