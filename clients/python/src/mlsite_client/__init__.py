"""Client of the REST API of mlsite."""

from mlsite_client.async_client import AsyncClient
from mlsite_client.client import Client
from mlsite_client.errors import (
    ApiError,
    AuthenticationFailed,
    ConnectionFailed,
    InvalidRequest,
    MlsiteError,
    NotFound,
    ServerFailed,
    UnexpectedResponse,
    WaitTimeout,
)
from mlsite_client.retries import RetryPolicy
from mlsite_client.types import BatchJob, Prediction, Problem, Review

__all__ = [
    "ApiError",
    "AsyncClient",
    "AuthenticationFailed",
    "BatchJob",
    "Client",
    "ConnectionFailed",
    "InvalidRequest",
    "MlsiteError",
    "NotFound",
    "Prediction",
    "Problem",
    "RetryPolicy",
    "Review",
    "ServerFailed",
    "UnexpectedResponse",
    "WaitTimeout",
]
__version__ = "0.1.0"
