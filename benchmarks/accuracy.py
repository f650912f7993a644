"""Send labeled images through the API of a running site and report the accuracy of a model.

    python benchmarks/accuracy.py --data mnist.npz --last 2000 --token "$(python manage.py create_token demo)"

`--data` is an .npz file with the arrays `images` (n, height, width), uint8, and `labels` (n,).
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from time import perf_counter

import numpy as np
import requests
from PIL import Image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help=".npz file with images and labels")
    parser.add_argument("--last", type=int, default=2000, help="number of images to send, from the end of the file")
    parser.add_argument("--token", required=True, help="API token")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="URL of the site")
    parser.add_argument("--model", default="digits", help="model reference")
    parser.add_argument("--threads", type=int, default=8, help="number of concurrent requests")
    options = parser.parse_args()

    with np.load(options.data) as archive:
        images, labels = archive["images"][-options.last :], archive["labels"][-options.last :]

    def predict(index: int) -> tuple[bool, float]:
        """Return whether the prediction is correct, and its confidence."""
        file = BytesIO()
        Image.fromarray(images[index]).save(file, "PNG")
        response = requests.post(
            f"{options.url}/api/v1/predictions/",
            headers={"Authorization": f"Bearer {options.token}"},
            files={"image": ("digit.png", file.getvalue())},
            data={"model": options.model},
            timeout=60,
        )
        response.raise_for_status()
        body = response.json()
        return body["label"] == str(labels[index]), body["confidence"]

    started = perf_counter()
    with ThreadPoolExecutor(options.threads) as threads:
        results = list(threads.map(predict, range(len(images))))
    seconds = perf_counter() - started
    correct = [confidence for is_correct, confidence in results if is_correct]
    incorrect = [confidence for is_correct, confidence in results if not is_correct]
    print(f"Accuracy: {len(correct) / len(results):.2%} ({len(correct)} of {len(results)} correct)")
    for name, confidences in (("correct", correct), ("incorrect", incorrect)):
        print(f"Mean confidence of {name} predictions: {f'{np.mean(confidences):.3f}' if confidences else '–'}")
    print(f"{len(results) / seconds:.0f} requests per second with {options.threads} threads")


if __name__ == "__main__":
    main()
