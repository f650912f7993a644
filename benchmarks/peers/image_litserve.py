"""Images: LitServe. It stores nothing.

Two API processes receive the requests and two model processes run the traced function. LitServe has no threads in its
model processes. `fast_queue` replaces the queues of `multiprocessing` with ZeroMQ.

Start: python image_litserve.py
"""

import io
import os
from typing import Any

import litserve
import numpy as np
from fastapi import Request
from PIL import Image

PROCESSES = 2


class DigitsAPI(litserve.LitAPI):
    def setup(self, device: str) -> None:
        import keras
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        network = keras.models.load_model(os.environ["MODEL_PATH"], compile=False)
        self.run = tf.function(lambda images: network(images, training=False), autograph=False).get_concrete_function(
            tf.TensorSpec((1, 28, 28, 1), tf.float32)
        )
        self.constant = tf.constant

    def decode_request(self, request: Request) -> np.ndarray:
        picture = Image.open(io.BytesIO(request["image"].file.read())).convert("L")
        if picture.size != (28, 28):
            picture = picture.resize((28, 28), Image.Resampling.BILINEAR)
        return np.asarray(picture, np.float32).reshape(1, 28, 28, 1) / np.float32(255)

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.run(self.constant(x)).numpy()[0]

    def encode_response(self, output: np.ndarray) -> dict[str, Any]:
        scores = output.tolist()
        confidence = max(scores)
        return {"label": str(scores.index(confidence)), "confidence": confidence, "scores": scores}


if __name__ == "__main__":
    server = litserve.LitServer(DigitsAPI(), accelerator="cpu", workers_per_device=PROCESSES, fast_queue=True)
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        num_api_servers=PROCESSES,
        generate_client_file=False,
        log_level="warning",
        access_log=False,
    )
