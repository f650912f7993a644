"""Run operations: send their requests, wait during their pauses, and return their results."""

from __future__ import annotations

import asyncio
import time
from typing import TypeVar

import httpx

from mlsite_client.operations import Operation, Pause, Request
from mlsite_client.transport import send, send_async

T = TypeVar("T")


def run(http: httpx.Client, operation: Operation[T]) -> T:
    """Run an operation."""
    try:
        step = next(operation)
        while True:
            try:
                response = _perform(http, step)
            except httpx.RequestError as error:
                step = operation.throw(error)
            else:
                step = operation.send(response)
    except StopIteration as stop:
        result: T = stop.value
        return result


async def run_async(http: httpx.AsyncClient, operation: Operation[T]) -> T:
    """Run an operation without blocking the event loop."""
    try:
        step = next(operation)
        while True:
            try:
                response = await _perform_async(http, step)
            except httpx.RequestError as error:
                step = operation.throw(error)
            else:
                step = operation.send(response)
    except StopIteration as stop:
        result: T = stop.value
        return result


def _perform(http: httpx.Client, step: Request | Pause) -> httpx.Response | None:
    if isinstance(step, Pause):
        time.sleep(step.seconds)
        return None
    return send(http, step)


async def _perform_async(http: httpx.AsyncClient, step: Request | Pause) -> httpx.Response | None:
    if isinstance(step, Pause):
        await asyncio.sleep(step.seconds)
        return None
    return await send_async(http, step)
