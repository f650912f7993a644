"""Read models from skops files and pickles, and explain why a file cannot be read."""

from __future__ import annotations

import re
import warnings
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from inference.archives import check_compression
from inference.errors import InvalidArtifact
from inference.runtimes.sklearn.compression import open_pickle, read_decompressed
from inference.runtimes.unsupported import DILL_STEP, PYTORCH_STEP, TORCH_STEP, is_torch_archive

# Types of scikit-learn and NumPy that skops does not trust by default. They contain numbers, and no code of the author.
KERNELS = (
    "CompoundKernel", "ConstantKernel", "DotProduct", "ExpSineSquared", "Exponentiation", "Matern", "PairwiseKernel",
    "Product", "RBF", "RationalQuadratic", "Sum", "WhiteKernel",
)  # fmt: skip
TRUSTED_TYPES = {
    "functools.partial",  # skops checks the function inside like any other type
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.compose._column_transformer.make_column_selector",
    "sklearn.impute._iterative.IterativeImputer",
    "sklearn.impute._iterative._ImputerTriplet",
    "sklearn.metrics._scorer._CurveScorer",
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.metrics._scorer._Scorer",
    "sklearn.utils._metadata_requests.MetadataRequest",
    "sklearn.utils._metadata_requests.MethodMetadataRequest",
    "sklearn._loss.loss.HalfTweedieLoss",
    "sklearn._loss.loss.HalfTweedieLossIdentity",
    "sklearn.cluster._bisect_k_means._BisectingTree",
    "sklearn.cluster._kmeans._kmeans_single_elkan",
    "sklearn.cluster._kmeans._kmeans_single_lloyd",
    "sklearn.multiclass._ConstantPredictor",
    *(
        f"sklearn.metrics._dist_metrics.{name}Distance64"
        for name in ("BrayCurtis", "Canberra", "Chebyshev", "Euclidean", "Hamming", "Haversine", "Manhattan", "Minkowski")
    ),
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils.validation.check_array",
    *(
        f"sklearn.model_selection._split.{name}"
        for name in (
            "GroupKFold",
            "KFold",
            "RepeatedKFold",
            "RepeatedStratifiedKFold",
            "ShuffleSplit",
            "StratifiedKFold",
            "StratifiedShuffleSplit",
            "TimeSeriesSplit",
        )
    ),
    *(f"sklearn.gaussian_process.kernels.{name}" for name in KERNELS),
}
METRIC_PATTERN = re.compile(
    r"sklearn\.metrics\._(classification|ranking|regression)\.\w+_(score|loss|error)"
    r"|sklearn\.feature_selection\._(univariate_selection\.(chi2|[fr]_\w+)|mutual_info\.mutual_info_\w+)"
)
"""The functions of scores and errors, which searches, thresholds, and feature selectors keep."""
PACKAGES_BY_MODULE = {
    "feature_engine": "feature-engine", "imblearn": "imbalanced-learn", "interpret": "interpret-core",
    "sksurv": "scikit-survival", "surprise": "scikit-surprise",
} | {
    name: name
    for name in ("catboost", "category_encoders", "cloudpickle", "fastai", "gensim", "hdbscan", "imodels", "lifelines",
                 "lightgbm", "mapie", "mlxtend", "ngboost", "nltk", "numba", "pmdarima", "polars", "prophet", "pycaret",
                 "pygam", "pyod", "river", "skorch", "skrub", "sktime", "spacy", "statsmodels", "tensorflow", "torch",
                 "xgboost")
}  # fmt: skip
VERSION_PATTERN = re.compile(rb"_sklearn_version.{1,8}?(\d+\.\d+[.\w]*)", re.DOTALL)
# Python formats the error in one way for protocol 4 and later, and in another one for earlier protocols.
MISSING_ATTRIBUTE_PATTERN = re.compile(
    r"Can't get attribute '(?P<name>[^']+)' on <module '(?P<module>[^']+)'"
    r"|module '(?P<old_module>[^']+)' has no attribute '(?P<old_name>[^']+)'"
)
DILL_MODULE, TORCH_MODULE, SKORCH_MODULE = b"dill._dill", b"torch.nn", b"skorch"
PATH_PATTERN = re.compile(r" from '[^']+'")
MAX_ERROR_LENGTH = 300  # characters of a library's message


def read_model(path: Path, *, trusted: bool) -> tuple[Any, str]:
    """Return the model in a file, and the version of scikit-learn that wrote it if another one is installed, or "".

    Raises:
        InvalidArtifact: the file cannot be read. The message is one sentence with the reason and the step that helps.
    """
    from sklearn.exceptions import InconsistentVersionWarning

    with warnings.catch_warnings(record=True) as load_warnings:
        warnings.simplefilter("always")
        model = (
            _read_skops(path, trusted=trusted) if path.suffix.lower() == ".skops" else _read_pickle(path, trusted=trusted)
        )
    found = [item.message for item in load_warnings if isinstance(item.message, InconsistentVersionWarning)]
    return model, found[0].original_sklearn_version if found else ""


def describe_versions(name: str, written_by: str) -> str:
    """Return the start of a sentence with the versions of scikit-learn that wrote and that read a file."""
    import sklearn

    return f"{name} was saved with scikit-learn {written_by}, and {sklearn.__version__} is installed"


def make_version_error(name: str, written_by: str, error: Exception) -> InvalidArtifact:
    """Return the error for a file that the installed version of scikit-learn cannot read or run."""
    return InvalidArtifact(
        f"{describe_versions(name, written_by)}, which cannot use it ({_shorten_error(error)}). Train and save the model "
        f"with the installed version, or convert it to ONNX with skl2onnx where scikit-learn {written_by} is installed."
    )


def _read_pickle(path: Path, *, trusted: bool) -> Any:
    if not trusted:
        raise InvalidArtifact(f"{path.name} is a pickle, which can run its author's code when it is loaded.")
    import joblib

    try:
        with open_pickle(path) as source:
            return joblib.load(source)  # trusted files only; also reads plain pickles
    # The author's code in a pickle can raise any exception.
    except Exception as error:
        raise _explain_error(path, error) from error


def _explain_error(path: Path, error: Exception) -> InvalidArtifact:
    """Return the error for a pickle that cannot be loaded, with the step that helps."""
    import sklearn

    data = read_decompressed(path)
    if step := DILL_STEP if DILL_MODULE in data else TORCH_STEP if is_torch_archive(data) else "":
        return InvalidArtifact(f"{path.name} is not supported. {step}.")
    is_network = TORCH_MODULE in data and SKORCH_MODULE not in data
    network_hint = f" If the file contains a PyTorch network itself: {PYTORCH_STEP}." if is_network else ""
    found = MISSING_ATTRIBUTE_PATTERN.search(str(error))
    missing, module = (found["name"] or found["old_name"], found["module"] or found["old_module"]) if found else ("", "")
    if module.endswith("__main__"):  # also pytest.__main__ and the like
        return InvalidArtifact(
            f"{path.name} needs {missing}, which was defined in the script or notebook that saved it. Move {missing} "
            "to a file that Python can import, for example model_code.py next to manage.py. Import it from there in the "
            f"script (from model_code import …), and save the model again.{network_hint}"
        )
    version = VERSION_PATTERN.search(data)
    written_by = version[1].decode() if version else sklearn.__version__
    is_other_version = written_by != sklearn.__version__
    # Modules such as sklearn.tree._classes and _loss are parts of scikit-learn.
    is_part = isinstance(error, ModuleNotFoundError) and (error.name or "_").startswith(("sklearn.", "_"))
    if isinstance(error, ModuleNotFoundError) and error.name and not (is_part and is_other_version):
        return InvalidArtifact(f"{path.name} needs {_explain_missing_module(error.name)}{network_hint}")
    if is_other_version:
        return make_version_error(path.name, written_by, error)
    if missing:
        return InvalidArtifact(
            f"{path.name} needs {missing} from the Python module {module}, and the installed {module} has none. "
            "Install the version that the model was saved with, or save the model again with the installed one."
        )
    return InvalidArtifact(
        f"{path.name} cannot be loaded: {_shorten_error(error)}. The file may be incomplete, or not a pickle. Save the "
        'model again: joblib.dump(model, "model.joblib").'
    )


def _explain_missing_module(name: str) -> str:
    package = PACKAGES_BY_MODULE.get(name.partition(".")[0])
    step = (
        f"Install its package: .venv/bin/pip install {package}."
        if package
        else "If it is your own code, put the module next to manage.py. Otherwise install its package into .venv."
    )
    return f"the Python module {name}, which cannot be imported. {step}"


def _shorten_error(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {PATH_PATTERN.sub('', lines[0])[:MAX_ERROR_LENGTH]}"


def _read_skops(path: Path, *, trusted: bool) -> Any:
    import skops.io

    data = path.read_bytes()
    try:
        types = set(skops.io.get_untrusted_types(data=data))
        known = {name for name in types if name in TRUSTED_TYPES or METRIC_PATTERN.fullmatch(name)}
        unknown = sorted(types - known)
        if unknown and not trusted:
            raise InvalidArtifact(
                f"{path.name} contains types that must be imported to load it: {', '.join(unknown)[:500]}. "
                "If you trust them, register it with --trusted."
            )
        with zipfile.ZipFile(BytesIO(data)) as archive:
            check_compression(archive, name=path.name, size=len(data))
        model = skops.io.loads(data, trusted=[*known, *unknown])
        if not trusted:
            _check_no_file_inputs(model, path.name)
        return model
    except InvalidArtifact:
        raise
    # skops passes on any exception of the constructors that it calls.
    except Exception as error:
        raise InvalidArtifact(
            f"skops cannot load {path.name}: {_shorten_error(error)}. The file may be incomplete, or of another version. "
            'Save the model again with the installed version: skops.io.dump(model, "model.skops").'
        ) from error


def _check_no_file_inputs(model: Any, name: str) -> None:
    """Reject vectorizers anywhere in a model that interpret their input as file names."""
    seen: set[int] = set()
    pending = [model]
    while pending:
        part = pending.pop()
        if id(part) in seen or isinstance(part, str | bytes | int | float | np.ndarray):
            continue
        seen.add(id(part))
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list | tuple | set) else ()
        attributes = getattr(part, "__dict__", {})
        if (
            type(part).__module__.startswith("sklearn.feature_extraction")
            and attributes.get("input", "content") != "content"
        ):
            raise InvalidArtifact(
                f"{name} interprets its input as file names (input={attributes['input']!r}) and would read these files. "
                "If you trust it, register it with --trusted."
            )
        pending.extend([*inner, *attributes.values()])
