"""The access matrix: callers, actions, and the expected status of each cell."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.permissions import REVIEW_PREDICTIONS, VIEW_PREDICTIONS
from accounts.scopes import SCOPES
from accounts.services import add_reviewer, create_token
from events.models import Webhook
from events.tests.webhooks import SUCCEEDED, make_webhook
from inference.tests.factories import make_image
from mlsite.tests.access_table import COLUMNS, STATUSES
from monitoring.models import Alert, AlertRule, AlertState
from predictions.models import BatchJob, Prediction
from predictions.tests.factories import make_prediction
from predictions.tests.v2_requests import make_image_input
from registry.services import register_model

API = "/api/v1"
CALLERS = (
    "anonymous", "inactive", "owner", "other", "viewer", "direct", "reviewer", "staff", "operator", "promoter", "superuser",
)  # fmt: skip
MODEL_TOML = """
name = "shades"
artifact = "shades.dummy.json"
labels = ["black", "grey", "white"]
[input]
kind = "image"
height = 8
width = 8
channels = 1
scale = "unit"
"""


@dataclass
class World:
    """The rows of the matrix. All objects that the actions name belong to `owner`."""

    version: Any
    folders: dict[str, str]
    users: dict[str, User] = field(default_factory=dict)
    predictions: dict[str, Prediction] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    clients: dict[tuple[str, str], Client] = field(default_factory=dict)
    job: BatchJob | None = None
    alert: Alert | None = None
    webhook: Webhook | None = None


def grant(holder: User | Group, *names: str) -> None:
    """Give permissions to a user directly, or to a group."""
    permissions = holder.permissions if isinstance(holder, Group) else holder.user_permissions
    for name in names:
        app, codename = name.split(".")
        permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))


def register_shades(folder: Path) -> Any:
    """Register a dummy model with the labels black, grey, and white."""
    (folder / "shades.dummy.json").write_text('{"classes": 3}')
    (folder / "model.toml").write_text(MODEL_TOML)
    return register_model(path=folder, promote=True)


def build_world(version: Any, folders: dict[str, str]) -> World:
    """Create all users, their tokens, and one prediction of each."""
    world = World(version, folders)
    names = ("owner", "other", "viewer", "direct", "reviewer", "staff", "operator", "promoter", "superuser", "inactive")
    users = world.users = {name: User(username=name, password="!", email=f"{name}@example.org") for name in names}
    users["superuser"].is_superuser = True
    for name in ("viewer", "staff", "promoter", "superuser"):
        users[name].is_staff = True
    for user in users.values():
        user.save()
    add_reviewer(user=users["reviewer"])
    grant(users["viewer"], VIEW_PREDICTIONS)
    grant(users["direct"], VIEW_PREDICTIONS, REVIEW_PREDICTIONS)
    users["operator"].groups.add(Group.objects.get(name="Operators"))
    users["promoter"].groups.add(Group.objects.get(name="Model owners"))
    world.predictions = {name: make_prediction(user) for name, user in users.items()}
    world.job = BatchJob.objects.create(
        user=users["owner"], model_version=version, kind="images", status="succeeded", completed_at=timezone.now(),
        reference="shades", total_items=0,
    )  # fmt: skip
    state = AlertState.objects.create(rule=AlertRule.objects.get(metric="disk"))
    world.alert = Alert.objects.create(state=state, value=0.05, worst_value=0.05, threshold=0.1)
    world.webhook = make_webhook(users["owner"], "https://example.org/")
    for name, user in users.items():
        world.secrets[name] = create_token(user=user, name="all")[1]
        client = world.clients[name, "session"] = Client()
        client.force_login(user)
    for scope in SCOPES:
        for name in ("owner", "reviewer"):
            world.secrets[f"{name}, {scope}"] = create_token(user=users[name], name=scope, scopes=[scope])[1]
    now = timezone.now()
    for name, changes in (("revoked", {"revoked_at": now}), ("expired", {"expires_at": now})):
        token, world.secrets[name] = create_token(user=users["owner"], name=name)
        ApiToken.objects.filter(pk=token.pk).update(**changes)
    world.clients["anonymous", "session"] = Client()
    User.objects.filter(username="inactive").update(is_active=False)
    for name, secret in world.secrets.items():
        world.clients[name, "token"] = Client(headers={"authorization": f"Bearer {secret}"})
    return world


def build_calls(world: World) -> dict[str, tuple[str, str, Any]]:
    """Return the method, the URL, and the body of each action."""
    theirs, job, webhook = world.predictions["owner"], world.job, f"{API}/webhooks/{world.webhook.pk}"
    one, review = f"{API}/predictions/{theirs.pk}", {"verdict": "unsure"}
    image = make_image(9)
    form = {"image": image}
    v2 = {"inputs": [make_image_input(image)]}
    return {
        "create": ("post", f"{API}/predictions/", form),
        "batch": ("post", f"{API}/predictions/batch/", form),
        "list": ("get", f"{API}/predictions/", None),
        "retrieve": ("get", f"{one}/", None),
        "delete": ("delete", f"{one}/", None),
        "image": ("get", f"{API}/inputs/{theirs.input_id}/image/", None),
        "reviews": ("get", f"{one}/reviews/", None),
        "review": ("post", f"{one}/reviews/", review),
        "ground_truth": ("post", f"{API}/ground-truth/", {"items": [{"id": str(theirs.pk), **review}]}),
        "cancel": ("post", f"{one}/cancel/", None),  # the prediction is final
        "export": ("get", f"{API}/predictions/export/", None),
        "models": ("get", f"{API}/models/", None),
        "quality": ("get", f"{API}/models/shades/quality/", None),
        "new job": ("post", f"{API}/batch-jobs/", {"model": "shades"}),
        "job": ("get", f"{API}/batch-jobs/{job.pk}/", None),
        "results": ("get", f"{API}/batch-jobs/{job.pk}/results/", None),
        "stop job": ("post", f"{API}/batch-jobs/{job.pk}/cancel/", None),  # the job has ended
        "webhooks": ("get", f"{API}/webhooks/", None),
        "new webhook": ("post", f"{API}/webhooks/", {"url": "https://example.org/", "event_types": [SUCCEEDED]}),
        "webhook": ("get", f"{webhook}/", None),
        "edit webhook": ("patch", f"{webhook}/", {}),
        "deliveries": ("get", f"{webhook}/deliveries/", None),
        "new secret": ("post", f"{webhook}/secret/", None),
        "webhook page": ("get", f"/accounts/webhooks/{world.webhook.pk}/", None),
        "schema": ("get", "/api/schema/", None),
        "metrics": ("get", "/metrics", None),
        "v2": ("post", "/v2/models/shades/infer", v2),
        "v2 model": ("get", "/v2/models/shades", None),
        "page": ("get", f"/predictions/{theirs.pk}/", None),
        "model-input": ("get", f"/predictions/{theirs.pk}/model-input/", None),
        "thumbnail": ("get", f"/inputs/{theirs.input_id}/thumbnail/", None),
        "review page": ("post", f"/predictions/{theirs.pk}/review/", review),
        "cancel page": ("post", f"/predictions/{theirs.pk}/cancel/", {}),
        "tags": ("post", f"/predictions/{theirs.pk}/tags/", {"add": "odd"}),
        "comments": ("post", f"/predictions/{theirs.pk}/comments/", {"text": "Why?"}),
        "versions": ("post", f"/predictions/{theirs.pk}/versions/", {"version": str(world.version.pk)}),
        "job page": ("get", f"/batch-jobs/{job.pk}/", None),
        "promote page": ("get", "/models/shades/promote/?version=1", None),
        "new replay": ("post", "/models/shades/replays/", {}),
        "operations": ("get", "/operations/", None),
        "drift": ("get", "/operations/drift/?model=shades&version=1", None),
        "alerts": ("get", "/operations/alerts/", None),
        "acknowledge": ("post", f"/operations/alerts/{world.alert.pk}/acknowledge/", {}),
        "alert rule": ("get", f"/operations/alerts/rules/{world.alert.state.rule_id}/", None),
        "queue": ("get", "/admin/predictions/review/queue/", None),
        "assign": ("post", "/admin/predictions/review/queue/assignments/", {}),
        "goal": ("post", "/admin/predictions/review/queue/goal/", {"reviews_per_day": "9"}),
        "statistics": ("get", "/admin/predictions/review/queue/statistics/", None),
        "admin": ("get", "/admin/", None),
        "admin list": ("get", "/admin/predictions/prediction/", None),
        "promote": ("get", f"/admin/registry/modelversion/{world.version.pk}/promote/", None),
        "users": ("get", "/admin/accounts/user/", None),
    }  # fmt: skip


SCOPE_BY_ACTION = {"review": "review", "ground_truth": "review"}
SCOPE_BY_ACTION |= dict.fromkeys(("new webhook", "edit webhook", "new secret"), "all")
SEEN = {  # how many of the 10 predictions the list, the export, and the quality contain
    "owner": (1, 1), "other": (1, 1), "staff": (1, 1), "promoter": (1, 1), "viewer": (10, 1), "direct": (10, 1),
    "operator": (10, 1), "reviewer": (10, 10), "superuser": (10, 10),
}  # fmt: skip
COUNTED: dict[str, Callable[[Any, str], int]] = {
    "list": lambda response, content: len(response.json()["results"]),
    "export": lambda response, content: len(content.splitlines()) - 1,
    "quality": lambda response, content: response.json()["predictions"],
}
MAY_REVIEW = {"owner", "direct", "reviewer", "superuser"}
MAY_SEND_GROUND_TRUTH = {"owner", "reviewer", "superuser"}


def is_page(url: str) -> bool:
    return not url.startswith(("/api/", "/v2/", "/metrics"))


def get_expected(world: World, caller: str, method: str, action: str) -> int:
    """Return the status of a cell."""
    verb, url, _ = build_calls(world)[action]
    row = dict(zip(COLUMNS, STATUSES[action], strict=True))
    name, _, scope = caller.partition(", ")
    is_signed_in = name in row and name != "anonymous"
    if is_page(url):
        return row[name] if method == "session" and is_signed_in else 302
    if not is_signed_in or (url.startswith("/v2/") and method == "session"):
        return 401
    needed = "read" if verb == "get" else SCOPE_BY_ACTION.get(action, "predict")
    if scope and scope != needed and not (action == "metrics" and row[name] == 403):
        return 403
    return row[name]


def send(client: Client, verb: str, url: str, body: Any) -> Any:
    """Send a request; the bytes of an image as a form, other bodies of the API as JSON."""
    if isinstance(body, dict) and isinstance(body.get("image"), bytes):
        return client.post(url, {"image": SimpleUploadedFile("a.png", body["image"])})
    if body is None or is_page(url):
        return getattr(client, verb)(url, body) if body is not None else getattr(client, verb)(url)
    return getattr(client, verb)(url, json.dumps(body), content_type="application/json")


def fill_url(route: str, world: World) -> str:
    """Return the URL of a route with the IDs of the owner's rows."""
    theirs, job = world.predictions["owner"], world.job
    return route.format(prediction=theirs.pk, input=theirs.input_id, job=job.pk, webhook=world.webhook.pk)


def get_method_status(caller: str, verb: str, get_status: int, writing_scope: str) -> int:
    """Return the status of a method that the route does not have, or that only reads, from the status of GET.

    Args:
        writing_scope: of unsafe methods of the route; empty if they need all scopes.
    """
    _, _, scope = caller.partition(", ")
    if get_status == 401 or verb == "head":
        return get_status
    if verb == "options":  # it describes the route, without its object
        return 403 if scope and scope != "read" else 200
    return 405 if not scope or scope == writing_scope else 403
