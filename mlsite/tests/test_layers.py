"""The layers: imports only go down, and heavy libraries are loaded only where a model is."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.once
ROOT = Path(__file__).parents[2]
HEAVY = ("tensorflow", "keras", "onnxruntime", "sklearn", "scipy", "skops", "pandas", "mlflow", "authlib")
WEB = ("django", "rest_framework")

# Apps of the same layer do not import each other.
APP_LAYERS = {
    "mlsite": 8,
    "demo": 7,
    "evaluation": 6,
    "monitoring": 6,
    "predictions": 5,
    "registry": 4,
    "events": 3,
    "accounts": 2,
    "core": 1,
    "inference": 0,
}
# Of inference, core uses only errors and types.
CORE_MAY_IMPORT = ("inference.errors", "inference.types", "inference.messages", "inference.preprocessing")
# Inside an app, entry points call services, which use the rest. Entry points do not import each other.
ENTRY_POINTS = ("api", "views", "admin", "management", "authentication", "middleware", "tasks")
PARTS = {"urls": "views", "oidc_urls": "views", "templatetags": "views", "apps": "tasks"}
# Inside inference, the longest prefix decides. Modules of the same layer may import each other.
INFERENCE_LAYERS = {
    "inference.pool": 7,
    "inference.loader": 6,
    "inference.loads": 6,
    "inference.batch_check": 6,
    "inference.conversion_check": 6,
    "inference.predictor": 5,
    "inference.runtimes": 4,
    "inference.batcher": 3,
    "inference.chunks": 3,
    "inference.base": 3,
    "inference.signature.infer": 2,
    "inference.types": 1,
    "inference.signature": 1,
    "inference.errors": 0,
    "inference.messages": 0,
    "inference.numbers": 0,
    "inference": 2,
}


def list_modules() -> Iterator[tuple[str, Path]]:
    for app in APP_LAYERS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "tests" not in path.parts and "migrations" not in path.parts:
                yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path


@cache
def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").exists() or path.is_dir()


def read_imports(path: Path, *, top_level_only: bool = False) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if is_module(whole) else str(node.module)


@cache
def list_edges() -> list[tuple[str, str]]:
    return [(name, imported) for name, path in list_modules() for imported in read_imports(path)]


def get_app(module: str) -> str:
    return module.partition(".")[0]


def get_part(module: str) -> str:
    """Return which part of its app a module is: an entry point, `services`, or `plain`."""
    part = module.split(".")[1] if "." in module else ""
    part = PARTS.get(part, part)
    return part if part in (*ENTRY_POINTS, "services") else "plain"


def get_inference_layer(module: str) -> int:
    parts = module.split(".")
    prefixes = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next(INFERENCE_LAYERS[prefix] for prefix in prefixes if prefix in INFERENCE_LAYERS)


def violates_apps(importer: str, imported: str) -> bool:
    upper, lower = get_app(importer), get_app(imported)
    if upper == lower or lower not in APP_LAYERS:
        return False
    if upper == "core":
        return not imported.startswith(CORE_MAY_IMPORT)
    return APP_LAYERS[lower] >= APP_LAYERS[upper]


def violates_parts(importer: str, imported: str) -> bool:
    """Return whether an import goes up, or from one entry point to another."""
    upper, lower = get_part(importer), get_part(imported)
    if "mlsite" in (get_app(importer), get_app(imported)) or get_app(imported) not in APP_LAYERS:
        return False
    if upper in ENTRY_POINTS:
        return lower in ENTRY_POINTS and (upper, get_app(importer)) != (lower, get_app(imported)) and upper != lower
    return lower in ENTRY_POINTS or (upper == "plain" and lower == "services" and get_app(importer) == get_app(imported))


def test_apps_import_only_lower_apps():
    assert len(list_edges()) > 500
    assert [edge for edge in list_edges() if violates_apps(*edge)] == []


def test_inside_an_app_entry_points_call_services_and_services_call_the_rest():
    inside = [edge for edge in list_edges() if get_app(edge[0]) not in ("core", "inference")]
    core_api = [edge for edge in inside if get_app(edge[1]) != "core"]
    assert [edge for edge in core_api if violates_parts(*edge)] == []


def test_inference_has_its_own_layers_and_no_django():
    inside = [edge for edge in list_edges() if get_app(edge[0]) == "inference"]
    assert len(inside) > 40
    assert [edge for edge in inside if get_app(edge[1]) in WEB] == []
    own = [edge for edge in inside if get_app(edge[1]) == "inference"]
    assert [edge for edge in own if get_inference_layer(edge[1]) > get_inference_layer(edge[0])] == []


def test_no_modules_import_each_other_in_a_cycle():
    graph: dict[str, set[str]] = {}
    for module, path in list_modules():
        imports = set(read_imports(path, top_level_only=True)) - {module}
        graph[module] = {imported for imported in imports if get_app(imported) in APP_LAYERS}
    assert find_cycle(graph) == []


def find_cycle(graph: dict[str, set[str]]) -> list[str]:
    """Return modules that import each other, or nothing, after removing all that import nothing of the rest."""
    graph = {module: imports & graph.keys() for module, imports in graph.items()}
    while leaves := {module for module, imports in graph.items() if not imports}:
        graph = {module: imports - leaves for module, imports in graph.items() if module not in leaves}
    return sorted(graph)


def test_the_rule_finds_a_cycle():
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": set()}) == ["a", "b", "c", "d"]
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("core.querysets", "accounts.permissions"),
        ("accounts.views", "predictions.models"),
        ("events.payloads", "predictions.models"),
        ("registry.services.register", "predictions.services.inputs"),
        ("predictions.models", "evaluation.report"),
        ("monitoring.report", "evaluation.report"),
        ("evaluation.report", "monitoring.report"),
        ("monitoring.views", "demo.views"),
        ("predictions.views", "mlsite.settings"),
        ("core.formatting", "inference.pool"),
    ],
)
def test_the_rule_finds_an_import_into_a_higher_app(importer, imported):
    assert violates_apps(importer, imported)


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("predictions.services.predict", "predictions.api.views"),
        ("predictions.models", "predictions.services"),
        ("predictions.api.views", "predictions.views.history"),
        ("evaluation.views", "predictions.admin"),
        ("evaluation.report", "evaluation.views"),
    ],
)
def test_the_rule_finds_an_import_between_entry_points(importer, imported):
    assert violates_parts(importer, imported)


def test_heavy_libraries_are_imported_inside_functions_only():
    top_level = [(name, imported) for name, path in list_modules() for imported in read_imports(path, top_level_only=True)]
    assert [edge for edge in top_level if get_app(edge[1]) in HEAVY] == []


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
    report = f"import sys; print([name for name in {HEAVY} if name in sys.modules])"
    process = subprocess.run(
        [sys.executable, "-c", f"{code}; {report}"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert process.stdout.strip().splitlines()[-1] == "[]"
