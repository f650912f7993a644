"""Images: FastAPI as most tutorials write it. No accounts and no model versions.

The endpoint calls `model.predict`, which is made for many images, and stores the image as base64 text. The input and the
prediction are committed one after the other.

Start: uvicorn image_tutorial:app --workers 2. Create the tables first: python image_tables.py
"""

import base64
import io
import os
from typing import Any

import keras
import numpy as np
from fastapi import FastAPI, UploadFile
from image_tables import URL, Input, Prediction
from PIL import Image
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

app = FastAPI()
engine = create_engine(URL)
model = keras.models.load_model(os.environ["MODEL_PATH"])


@app.post("/predictions", status_code=201)
def create_prediction(image: UploadFile) -> dict[str, Any]:
    content = image.file.read()
    picture = Image.open(io.BytesIO(content)).convert("L").resize((28, 28))
    pixels = np.array(picture).reshape(1, 28, 28, 1) / 255
    scores = model.predict(pixels, verbose=0)[0]
    label = int(np.argmax(scores))
    with Session(engine) as session:
        stored_input = Input(name=image.filename, content=base64.b64encode(content).decode())
        session.add(stored_input)
        session.commit()
        session.refresh(stored_input)
        prediction = Prediction(
            input_id=stored_input.id, label=str(label), confidence=float(scores[label]), scores=scores.tolist()
        )
        session.add(prediction)
        session.commit()
        session.refresh(prediction)
        return {
            "id": prediction.id,
            "input": prediction.input_id,
            "label": prediction.label,
            "confidence": prediction.confidence,
            "scores": prediction.scores,
        }
