"""Rows: FastAPI with an MLflow model (pyfunc) and SQLAlchemy. No accounts.

The model has a signature, which MLflow enforces for each row. The input and the prediction are stored in one transaction.

Start: uvicorn row_mlflow:app --workers 2 --loop uvloop --http httptools --no-access-log
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
import mlflow.pyfunc
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel
from row_tables import URL, Input, Prediction
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

THREADS = 8


class Features(BaseModel):
    sepal_length: float
    sepal_width: float
    petal_length: float
    petal_width: float


class Row(BaseModel):
    features: Features


@asynccontextmanager
async def start(app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield


app = FastAPI(lifespan=start)
engine = create_engine(URL, pool_size=THREADS)
model = mlflow.pyfunc.load_model(os.environ["MODEL_PATH"])  # saved with pyfunc_predict_fn="predict_proba"
labels = [str(label) for label in model.get_raw_model().classes_]


@app.post("/predictions", status_code=201)
def create_prediction(row: Row) -> dict[str, Any]:
    features = row.features.model_dump()
    scores = model.predict(pd.DataFrame([features]))[0].tolist()
    confidence = max(scores)
    with Session(engine) as session:
        stored_input = Input(features=features)
        prediction = Prediction(
            input=stored_input,
            label=labels[scores.index(confidence)],
            confidence=confidence,
            scores=dict(zip(labels, scores, strict=True)),
        )
        session.add(prediction)
        session.flush()
        body = {
            "id": prediction.id,
            "input": stored_input.id,
            "label": prediction.label,
            "confidence": prediction.confidence,
            "scores": prediction.scores,
        }
        session.commit()
    return body
