"""Images: FastAPI as a careful expert writes it. No accounts, no model versions, no fsync.

- The network is one traced function, with one thread for each of the two processes. If MODEL_PATH is an ONNX file, ONNX
  Runtime runs it instead of TensorFlow, as in mlsite.
- Endpoints run in eight threads per process, because the model and the database release the interpreter lock.
- The file goes to disk, and both rows go into one transaction over a pooled connection. With ONE_STATEMENT=1, one
  statement inserts both. That is less common, and saves a third of the CPU time of the database and its driver.
- The response is built without a response model, which would validate our own values again.

Start: uvicorn image_expert:app --workers 2 --loop uvloop --http httptools --no-access-log
"""

import hashlib
import io
import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import anyio.to_thread
import numpy as np
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


def load_onnx(path: str) -> Callable[[np.ndarray], np.ndarray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})[0]


def load_keras(path: str) -> Callable[[np.ndarray], np.ndarray]:
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    network = keras.models.load_model(path, compile=False)
    call = tf.function(lambda images: network(images, training=False), autograph=False).get_concrete_function(
        tf.TensorSpec((1, 28, 28, 1), tf.float32)
    )
    return lambda images: call(tf.constant(images)).numpy()


model_path = os.environ["MODEL_PATH"]
predict = load_onnx(model_path) if model_path.endswith(".onnx") else load_keras(model_path)
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
    scores = predict(pixels)[0].tolist()
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
