"""The asynchronous client."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx

from mlsite_client import batches, operations
from mlsite_client.batches import Result
from mlsite_client.inputs import ImageSource, Row
from mlsite_client.operations import Operation
from mlsite_client.paths import API_PATH
from mlsite_client.progress import Progress
from mlsite_client.retries import RetryPolicy
from mlsite_client.runners import run_async
from mlsite_client.transport import build_options
from mlsite_client.types import BatchJob, Prediction, Review, Waitable

T = TypeVar("T")


class AsyncClient:
    """The methods of `Client` as coroutines. See there for the arguments, results, and exceptions."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float = 60.0,
        retries: RetryPolicy | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._policy = retries or RetryPolicy()
        self._http = httpx.AsyncClient(timeout=timeout, transport=transport, **build_options(url, token))

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def predict(
        self,
        image: ImageSource | None = None,
        *,
        features: Row | None = None,
        text: str | None = None,
        model: str = "",
        client_reference: str = "",
        unique_reference: bool = False,
        idempotency_key: str | None = None,
    ) -> Prediction:
        """Run a model on one input."""
        operation = operations.predict(
            self._policy,
            image=image,
            features=features,
            text=text,
            model=model,
            client_reference=client_reference,
            key=idempotency_key,
            unique_reference=unique_reference,
        )
        return await self._run(operation)

    async def submit(
        self,
        image: ImageSource | None = None,
        *,
        features: Row | None = None,
        text: str | None = None,
        model: str = "",
        client_reference: str = "",
        expires_in: int | None = None,
        idempotency_key: str | None = None,
    ) -> Prediction:
        """Store an input and return the queued prediction."""
        operation = operations.predict(
            self._policy,
            image=image,
            features=features,
            text=text,
            model=model,
            client_reference=client_reference,
            expires_in=expires_in,
            key=idempotency_key,
            prefer="respond-async",
        )
        return await self._run(operation)

    async def predict_many(
        self,
        inputs: Iterable[Any],
        *,
        model: str = "",
        texts: bool = False,
        progress: bool | Progress = False,
        idempotency_key: str | None = None,
    ) -> list[Result]:
        """Predict many inputs in batches and return a result for each."""
        operation = batches.predict_many(
            self._policy, inputs, model=model, are_texts=texts, progress=progress, key=idempotency_key
        )
        return await self._run(operation)

    async def get(self, prediction: Prediction | UUID | str) -> Prediction:
        """Get a prediction by its ID, or the current state of one."""
        return Prediction.from_json(await self._run(operations.fetch_object(self._policy, "predictions", prediction)))

    async def predictions(self, **filters: Any) -> AsyncIterator[Prediction]:
        """Iterate over all predictions that match the filters, newest first."""
        params = {"page_size": 100, **operations.build_filters(filters)}
        async for body in self._list(f"{API_PATH}predictions/", params):
            yield Prediction.from_json(body)

    async def export(self, path: str | os.PathLike[str], *, format: str = "csv", **filters: Any) -> Path:
        """Write all predictions that match the filters to a file."""
        params = {"format": format, **operations.build_filters(filters)}
        return await self._run(operations.download(self._policy, f"{API_PATH}predictions/export/", Path(path), params))

    async def review(
        self,
        prediction: Prediction | UUID | str,
        verdict: str | None = None,
        *,
        true_label: str | None = None,
        true_value: float | None = None,
        true_labels: list[str] | None = None,
        comment: str | None = None,
    ) -> Review:
        """Review a prediction."""
        values = {"true_label": true_label, "true_value": true_value, "true_labels": true_labels, "comment": comment}
        return await self._run(operations.review(self._policy, prediction, {"verdict": verdict, **values}))

    async def send_ground_truth(self, items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Send up to 1,000 true labels or values."""
        return await self._run(operations.send_ground_truth(self._policy, items))

    async def submit_job(
        self,
        path: str | os.PathLike[str],
        *,
        model: str = "",
        mapping: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> BatchJob:
        """Upload a CSV or ZIP file, and start a batch job."""
        operation = operations.submit_job(self._policy, Path(path), model=model, mapping=mapping, key=idempotency_key)
        return await self._run(operation)

    async def get_job(self, job: BatchJob | UUID | str) -> BatchJob:
        """Get a batch job by its ID, or the current state of one."""
        return BatchJob.from_json(await self._run(operations.fetch_object(self._policy, "batch-jobs", job)))

    async def download_results(self, job: BatchJob | UUID | str, path: str | os.PathLike[str]) -> Path:
        """Write the results of a batch job to a CSV file."""
        return await self._run(operations.download_results(self._policy, job, Path(path)))

    async def wait(self, started: Waitable, *, timeout: float = 3600.0, progress: bool = False) -> Waitable:
        """Wait until a prediction or a batch job is final, and return it."""
        return await self._run(operations.wait(self._policy, started, timeout=timeout, progress=progress))

    async def cancel(self, started: Waitable) -> Waitable:
        """Cancel a queued or running prediction or batch job."""
        return await self._run(operations.cancel(self._policy, started))

    async def models(self) -> list[dict[str, Any]]:
        """List the models."""
        return [model async for model in self._list(f"{API_PATH}models/")]

    async def _list(self, path: str, params: dict[str, Any] | None = None) -> AsyncIterator[dict[str, Any]]:
        next_path: str | None = path
        while next_path:
            page = await self._run(operations.fetch(self._policy, next_path, params))
            for body in page["results"]:
                yield body
            next_path, params = page["next"], None

    async def _run(self, operation: Operation[T]) -> T:
        return await run_async(self._http, operation)
