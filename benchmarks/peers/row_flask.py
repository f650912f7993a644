"""Rows: Flask, SQLAlchemy, and a pickled scikit-learn pipeline. No accounts and no model versions.

The input and the prediction are stored in one transaction. The pipeline was trained with column names and gets them.

Start: gunicorn row_flask:app --worker-class gthread --workers 2 --threads 8
"""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from flask import Flask, request
from row_tables import URL, Input, Prediction
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

COLUMNS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]

app = Flask(__name__)
engine = create_engine(URL, pool_size=8)
pipeline = pickle.loads(Path(os.environ["MODEL_PATH"]).read_bytes())
labels = [str(label) for label in pipeline.classes_]


@app.post("/predictions")
def create_prediction() -> tuple[dict[str, Any], int]:
    features = request.get_json()["features"]
    try:
        row = pd.DataFrame([[float(features[name]) for name in COLUMNS]], columns=COLUMNS)
    except (KeyError, TypeError, ValueError) as error:
        return {"error": f"Invalid features: {error}"}, 400
    scores = pipeline.predict_proba(row)[0]
    best = int(np.argmax(scores))
    with Session(engine) as session:
        stored_input = Input(features=features)
        prediction = Prediction(
            input=stored_input,
            label=labels[best],
            confidence=float(scores[best]),
            scores=dict(zip(labels, scores.tolist(), strict=True)),
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
    return body, 201
