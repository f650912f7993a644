"""Train the digits example: a small convolutional network for MNIST. Takes a few minutes on two cores.

    python examples/digits/train.py --data mnist.npz    # arrays `images` (n, 28, 28) uint8 and `labels` (n,)
    python examples/digits/train.py                     # downloads MNIST through keras.datasets

The last `--holdout` images are held out for the test accuracy in MODEL_CARD.md. A tenth of the other images is used for
early stopping. Training images are shifted, rotated, zoomed and sometimes inverted, so that the network also recognizes
dark digits on white paper. MNIST has white digits on black.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

HERE = Path(__file__).parent
SEED = 20261120
BATCH_IMAGES = 128
INVERTED_SHARE = 0.25  # of the training images

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

CARD = """# Model card: digits

| Property | Value |
|---|---|
| Task | image classification with ten classes: the digits 0 to 9 |
| Network | conv 32, pool, conv 64, pool, dropout, dense 128, softmax 10 ({parameters:,} parameters) |
| Input | 28 x 28 grayscale, scaled to [0, 1]; a light digit on a dark background or the reverse |
| Training data | {trained:,} images of {source}, augmented by shift, rotation, zoom, and inversion |
| Test data | {held:,} images that were not used for training |
| Test accuracy | {accuracy:.2%} ({correct:,} of {held:,}) |
| Test accuracy, inverted images | {inverted:.2%} |
| Created with | Keras {keras}, TensorFlow {tensorflow}, seed {seed}, {epochs} epochs |

## Intended use

This model demonstrates mlsite.

## Limitations

- The image must show one digit, tilted by at most 20 degrees. `autocrop = "ink"` finds it in a photo of paper.
  docs/images.md has the rates by condition, measured with generated photos.
- A hard shadow across the digit, or a 1 with a long upstroke, which looks like a 7, often causes a wrong prediction.
- The model always predicts one of the ten digits, even for an image of a cat. Check the confidence.
- The model is not calibrated for handwriting outside MNIST.

## Data

Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", 1998. The PNG files in `samples/` are
test images. Each file is named after its true digit.
"""


def read_data(path: Path | None) -> tuple[Images, Labels, str]:
    """Return images (n, 28, 28) uint8, labels (n,) and the name of their source."""
    if path is None:
        (images, labels), (more_images, more_labels) = keras.datasets.mnist.load_data()
        images, labels = np.concatenate([images, more_images]), np.concatenate([labels, more_labels])
    else:
        with np.load(path) as archive:
            images, labels = archive["images"], archive["labels"]
    if images.ndim != 3 or images.shape[1:] != (28, 28) or len(images) != len(labels):
        raise SystemExit(f"Expected images (n, 28, 28) and labels (n,). Received: {images.shape} and {labels.shape}")
    return images, labels.astype(np.int64), "MNIST"


def build_network() -> keras.Sequential:
    """Return the network: (n, 28, 28, 1) float32 in [0, 1] -> (n, 10) probabilities."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )


def scale(images: Images) -> npt.NDArray[np.float32]:
    return images[..., None].astype(np.float32) / np.float32(255)


def augment(images: Images, labels: Labels) -> tf.data.Dataset:
    """Return the batches of one epoch, shuffled and augmented differently in each epoch."""
    distort = keras.Sequential(
        [
            keras.layers.RandomTranslation(0.08, 0.08, fill_mode="constant", seed=SEED),
            keras.layers.RandomRotation(0.04, fill_mode="constant", seed=SEED),
            keras.layers.RandomZoom(0.12, 0.12, fill_mode="constant", seed=SEED),
        ]
    )

    def augment_batch(batch: Any, batch_labels: Any) -> tuple[Any, Any]:
        batch = distort(batch, training=True)
        invert = tf.random.uniform((tf.shape(batch)[0], 1, 1, 1)) < INVERTED_SHARE
        return tf.where(invert, 1.0 - batch, batch), batch_labels

    rows = tf.data.Dataset.from_tensor_slices((scale(images), labels))
    return rows.shuffle(len(labels), seed=SEED).batch(BATCH_IMAGES).map(augment_batch).prefetch(2)


def train(images: Images, labels: Labels, epochs: int) -> tuple[keras.Sequential, int]:
    """Train with early stopping on a tenth of the images. Return the best network and the number of epochs."""
    cut = len(images) - len(images) // 10
    steps = -(-cut // BATCH_IMAGES) * epochs
    network = build_network()
    network.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    validation_images = np.concatenate([scale(images[cut:]), 1 - scale(images[cut:])])
    history = network.fit(
        augment(images[:cut], labels[:cut]),
        epochs=epochs,
        verbose=2,
        validation_data=(validation_images, np.tile(labels[cut:], 2)),
        callbacks=[keras.callbacks.EarlyStopping(patience=30, restore_best_weights=True)],
    )
    return network, len(history.history["loss"])


def count_correct(network: keras.Sequential, inputs: npt.NDArray[np.float32], labels: Labels) -> int:
    return int((np.argmax(network.predict(inputs, verbose=0), axis=1) == labels).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="an .npz file with arrays images and labels; default: download MNIST")
    parser.add_argument("--holdout", type=int, default=2000, help="number of images at the end to hold out")
    parser.add_argument("--epochs", type=int, default=100, help="maximum number of epochs")
    parser.add_argument("--out", type=Path, default=HERE, help="the folder for digits.keras and MODEL_CARD.md")
    options = parser.parse_args()

    keras.utils.set_random_seed(SEED)
    images, labels, source = read_data(options.data)
    train_part, test_part = slice(None, -options.holdout), slice(-options.holdout, None)
    network, epochs = train(images[train_part], labels[train_part], options.epochs)

    correct = count_correct(network, scale(images[test_part]), labels[test_part])
    inverted = count_correct(network, 1 - scale(images[test_part]), labels[test_part])
    # Save a copy without the optimizer, which is a third of the size.
    exported = build_network()
    exported.set_weights(network.get_weights())
    exported.save(options.out / "digits.keras")
    values = {
        "parameters": network.count_params(),
        "trained": len(images) - options.holdout,
        "held": options.holdout,
        "source": source,
        "correct": correct,
        "accuracy": correct / options.holdout,
        "inverted": inverted / options.holdout,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "seed": SEED,
        "epochs": epochs,
    }
    (options.out / "MODEL_CARD.md").write_text(CARD.format(**values))
    print(f"accuracy on {options.holdout} held-out images: {values['accuracy']:.4f}; inverted: {values['inverted']:.4f}")


if __name__ == "__main__":
    main()
