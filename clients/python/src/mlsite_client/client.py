"""The client."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
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
from mlsite_client.runners import run
from mlsite_client.transport import build_options
from mlsite_client.types import BatchJob, Prediction, Review, Waitable

T = TypeVar("T")


class Client:
    """Use the REST API of an mlsite server. It can be shared by threads, and used as a context manager.

    All methods raise `ApiError` if the server rejects a request and `ConnectionFailed` if it cannot be reached. Requests are
    repeated with back-off, and requests that create something carry an idempotency key, so that nothing is stored twice.

    Args:
        url: of the site, for example `https://mlsite.example.org`.
        token: an API token, created on the page *API tokens*.
        timeout: seconds to wait for each response.
        retries: when to repeat a request.
        transport: an httpx transport, for example with a proxy.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float = 60.0,
        retries: RetryPolicy | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._policy = retries or RetryPolicy()
        self._http = httpx.Client(timeout=timeout, transport=transport, **build_options(url, token))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def predict(
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
        """Run a model on one input. The prediction is stored when this method returns.

        Args:
            image: a path, the bytes of a file, an open file, or a Pillow image.
            features: a row by feature name, for models that take features. Can be combined with an image.
            text: for models that take text.
            model: `name`, `name@alias`, or `name:number`; if empty, the default model.
            client_reference: your own ID for the prediction.
            unique_reference: return your existing prediction with this reference, if there is one.
            idempotency_key: 1 to 255 printable ASCII characters; if omitted, a random one. Pass your own to repeat the
                request safely later, for example after `ConnectionFailed`.

        Raises:
            InvalidRequest: the input is invalid.
            ServerFailed: the model failed; a failed prediction is stored. Its URL is in `problem["prediction"]`.
        """
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
        return self._run(operation)

    def submit(
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
        """Store an input and return the queued prediction without waiting for the model. See `predict` and `wait`.

        Args:
            expires_in: seconds after which the prediction fails if it has not started.
        """
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
        return self._run(operation)

    def predict_many(
        self,
        inputs: Iterable[Any],
        *,
        model: str = "",
        texts: bool = False,
        progress: bool | Progress = False,
        idempotency_key: str | None = None,
    ) -> list[Result]:
        """Predict many inputs in batches and return a result for each, in order. An invalid input does not affect others.

        Args:
            inputs: images (see `predict`), rows by feature name, or a pandas `DataFrame`.
            texts: the inputs are texts instead of paths.
            progress: show the progress on the standard error, or a function that gets the number of results and of inputs.
            idempotency_key: up to 200 printable ASCII characters; if omitted, a random one for each batch. If you pass your
                own and call this again with the same inputs, for example after `ConnectionFailed`, the results of batches
                that are stored already are returned, and nothing is stored twice.

        Returns:
            A `Prediction` or, for an invalid input or a file that cannot be read, a `Problem`.
        """
        operation = batches.predict_many(
            self._policy, inputs, model=model, are_texts=texts, progress=progress, key=idempotency_key
        )
        return self._run(operation)

    def get(self, prediction: Prediction | UUID | str) -> Prediction:
        """Get a prediction by its ID, or the current state of one."""
        return Prediction.from_json(self._run(operations.fetch_object(self._policy, "predictions", prediction)))

    def predictions(self, **filters: Any) -> Iterator[Prediction]:
        """Iterate over all predictions that match the filters of the API, newest first. Pages are fetched when needed."""
        params = {"page_size": 100, **operations.build_filters(filters)}
        yield from map(Prediction.from_json, self._list(f"{API_PATH}predictions/", params))

    def export(self, path: str | os.PathLike[str], *, format: str = "csv", **filters: Any) -> Path:
        """Write all predictions that match the filters to a file, as `csv`, `jsonl`, or `xlsx`."""
        params = {"format": format, **operations.build_filters(filters)}
        return self._run(operations.download(self._policy, f"{API_PATH}predictions/export/", Path(path), params))

    def review(
        self,
        prediction: Prediction | UUID | str,
        verdict: str | None = None,
        *,
        true_label: str | None = None,
        true_value: float | None = None,
        true_labels: list[str] | None = None,
        comment: str | None = None,
    ) -> Review:
        """Review a prediction, or the one with this ID: `correct`, `incorrect`, or `unsure`.

        If the verdict is omitted, the server infers it from the true label, labels, or value.
        """
        values = {"true_label": true_label, "true_value": true_value, "true_labels": true_labels, "comment": comment}
        return self._run(operations.review(self._policy, prediction, {"verdict": verdict, **values}))

    def send_ground_truth(self, items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Send up to 1,000 true labels or values, each with `id` or `client_reference`. Return the result of each item."""
        return self._run(operations.send_ground_truth(self._policy, items))

    def submit_job(
        self,
        path: str | os.PathLike[str],
        *,
        model: str = "",
        mapping: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> BatchJob:
        """Upload a CSV file of rows or a ZIP file of images, and start a batch job.

        Args:
            mapping: the column of each feature, if the names differ.
        """
        operation = operations.submit_job(self._policy, Path(path), model=model, mapping=mapping, key=idempotency_key)
        return self._run(operation)

    def get_job(self, job: BatchJob | UUID | str) -> BatchJob:
        """Get a batch job by its ID, or the current state of one."""
        return BatchJob.from_json(self._run(operations.fetch_object(self._policy, "batch-jobs", job)))

    def download_results(self, job: BatchJob | UUID | str, path: str | os.PathLike[str]) -> Path:
        """Write the results of a batch job to a CSV file: the columns of the input and those of the predictions."""
        return self._run(operations.download_results(self._policy, job, Path(path)))

    def wait(self, started: Waitable, *, timeout: float = 3600.0, progress: bool = False) -> Waitable:
        """Wait until a prediction or a batch job is final, and return it.

        Raises:
            WaitTimeout: it is not final after `timeout` seconds.
        """
        return self._run(operations.wait(self._policy, started, timeout=timeout, progress=progress))

    def cancel(self, started: Waitable) -> Waitable:
        """Cancel a queued or running prediction or batch job."""
        return self._run(operations.cancel(self._policy, started))

    def models(self) -> list[dict[str, Any]]:
        """List the models with their versions, labels, signatures, and aliases."""
        return list(self._list(f"{API_PATH}models/"))

    def _list(self, path: str, params: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the entries of all pages. A page is fetched when it is needed."""
        next_path: str | None = path
        while next_path:
            page = self._run(operations.fetch(self._policy, next_path, params))
            yield from page["results"]
            next_path, params = page["next"], None

    def _run(self, operation: Operation[T]) -> T:
        return run(self._http, operation)
