"""scikit-learn estimators, pipelines, and compatible objects, from skops files and pickles."""

from inference.runtimes.sklearn.runtime import SklearnRuntime

__all__ = ["SklearnRuntime"]
