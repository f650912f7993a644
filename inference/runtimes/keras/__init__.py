"""Keras models in the `.keras` and the older HDF5 format."""

from inference.runtimes.keras.archive import check_classes
from inference.runtimes.keras.runtime import KerasRuntime

__all__ = ["KerasRuntime", "check_classes"]
