"""The floors of the house: an import only goes down, and below floor 4 nobody knows Django."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = ("mlsite", "predictions", "accounts", "inference")
HEAVY = ("tensorflow", "keras", "onnxruntime", "sklearn", "skops", "pandas", "mlflow")

# The longest prefix that fits decides. Modules of one group may import each other; of one floor they may not.
FLOORS = {
    "mlsite": (7, "mlsite"),
    "predictions.urls": (6, "pages"),
    "predictions.views": (6, "pages"),
    "predictions.forms": (6, "pages"),
    "predictions.templatetags": (6, "pages"),
    "predictions.snippets": (6, "pages"),
    "predictions.api": (6, "api"),
    "predictions.admin": (6, "admin"),
    "predictions.management": (6, "management"),
    "predictions.apps": (6, "apps"),
    "predictions.services": (5, "services"),
    "predictions": (4, "predictions"),
    "accounts": (4, "accounts"),
    "inference.pool": (3, "pool"),
    "inference.predictor": (2, "predictor"),
    "inference.runtimes": (2, "runtimes"),
    "inference.base": (1, "base"),
    "inference.batching": (1, "batching"),
    "inference": (0, "inference"),
}
# The ledger knows users, as its foreign keys do; users do not know the ledger.
ALLOWED = {("predictions", "accounts")}
NO_DJANGO = ("django", "rest_framework")


def floor_of(module: str) -> tuple[int, str] | None:
    if module.partition(".")[0] not in APPS:
        return None
    parts = module.split(".")
    return next(FLOORS[".".join(parts[:n])] for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in FLOORS)


def modules():
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "tests" not in path.parts and "migrations" not in path.parts:
                name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
                yield name, path


def imports(path: Path, *, top_only: bool = False):
    tree = ast.parse(path.read_text())
    for node in tree.body if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                is_module = (ROOT / whole.replace(".", "/")).with_suffix(".py").exists() or (
                    ROOT / whole.replace(".", "/")
                ).is_dir()
                yield whole if is_module else node.module


EDGES = [(name, found) for name, path in modules() for found in imports(path)]


def violates(importer: str, imported: str) -> bool:
    upper, lower = floor_of(importer), floor_of(imported)
    if upper is None or lower is None or upper[1] == lower[1]:
        return False
    if (upper[1], lower[1]) in ALLOWED:
        return False
    return lower[0] >= upper[0]


def test_imports_only_go_down():
    assert len(EDGES) > 300
    assert [edge for edge in EDGES if violates(*edge)] == []


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("predictions.services.predict", "core.api.problems"),
        ("predictions.api.views", "predictions.views"),
        ("predictions.admin.predictions", "predictions.forms"),
        ("accounts.models", "predictions.models"),
        ("inference.predictor", "inference.runtimes.keras"),
        ("inference.runtimes.keras", "inference.predictor"),
        ("inference.batching", "inference.base"),
        ("inference.types", "inference.pool"),
        ("predictions.models", "predictions.services"),
        ("predictions.views", "mlsite.settings"),
    ],
)
def test_the_rule_sees_a_climbing_import(importer, imported):
    assert violates(importer, imported)


def test_inference_knows_no_django():
    inside = [(name, found) for name, found in EDGES if name.startswith("inference")]
    assert len(inside) > 40
    assert [edge for edge in inside if edge[1].partition(".")[0] in NO_DJANGO] == []


def test_heavy_libraries_are_imported_inside_functions_only():
    top = [(name, found) for name, path in modules() for found in imports(path, top_only=True)]
    assert [edge for edge in top if edge[1].partition(".")[0] in HEAVY] == []


def test_accounts_imports_no_other_application():
    others = {found.partition(".")[0] for name, found in EDGES if name.startswith("accounts")} & set(APPS)
    assert others == {"accounts"}


@pytest.mark.parametrize(
    "code",
    [
        "import inference, inference.pool, inference.runtimes, inference.predictor",
        "from django.core.management import execute_from_command_line as run; run(['manage.py', 'check'])",
        "from django.core.management import execute_from_command_line as run; run(['manage.py', 'migrate', '-v0'])",
        "import mlsite.wsgi",
    ],
    ids=["inference", "check", "migrate", "wsgi"],
)
def test_heavy_libraries_stay_out_of(code, tmp_path):
    environment = {"DJANGO_SETTINGS_MODULE": "mlsite.settings", "ENV_FILE": "", "SECRET_KEY": "x", "VAR_DIR": str(tmp_path)}
    look = f"import sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {look}"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"
