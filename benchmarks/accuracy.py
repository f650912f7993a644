"""How often is a served model right? Sends labelled images through the API of a running site.

    python benchmarks/accuracy.py --data mnist.npz --last 2000 --token "$(python manage.py create_token demo)"

`--data` is an .npz file with arrays `images` (n, height, width) uint8 and `labels` (n,).
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
    parser.add_argument("--data", required=True)
    parser.add_argument("--last", type=int, default=2000, help="images at the end of the file to send")
    parser.add_argument("--token", required=True)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--model", default="digits")
    parser.add_argument("--threads", type=int, default=8)
    options = parser.parse_args()

    with np.load(options.data) as archive:
        images, labels = archive["images"][-options.last :], archive["labels"][-options.last :]

    def ask(index: int) -> tuple[bool, float]:
        file = BytesIO()
        Image.fromarray(images[index]).save(file, "PNG")
        answer = requests.post(
            f"{options.url}/api/v1/predictions/",
            headers={"Authorization": f"Bearer {options.token}"},
            files={"image": ("digit.png", file.getvalue())},
            data={"model": options.model},
            timeout=60,
        )
        answer.raise_for_status()
        body = answer.json()
        return body["label"] == str(labels[index]), body["confidence"]

    started = perf_counter()
    with ThreadPoolExecutor(options.threads) as threads:
        results = list(threads.map(ask, range(len(images))))
    seconds = perf_counter() - started
    right = [confidence for correct, confidence in results if correct]
    wrong = [confidence for correct, confidence in results if not correct]
    print(f"{len(right)} of {len(results)} right: {len(right) / len(results):.2%}")
    print(f"mean confidence where right {np.mean(right):.3f}, where wrong {np.mean(wrong) if wrong else float('nan'):.3f}")
    print(f"{len(results) / seconds:.0f} requests a second, {options.threads} at a time")


if __name__ == "__main__":
    main()
