"""Accessibility audits of all pages, in both themes and on a phone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from mlsite.tests.audit import Audit, without_motion
from mlsite.tests.browser import NEW_PASSWORD, sign_in, sign_up
from mlsite.tests.site import SAMPLES

# Create a replay of two versions, with results of each kind, and print its URL.
CREATE_REPLAY = """
from django.utils.timezone import now
from evaluation.models import Replay, ReplayResult
from predictions.models import Prediction
from registry.models import ModelVersion, RegisteredModel

iris = ModelVersion.objects.get(model__name="iris", number=1)
values = {field.name: getattr(iris, field.name) for field in ModelVersion._meta.concrete_fields if field.name != "id"}
model = RegisteredModel.objects.create(name="replayed", title="Replayed", task=iris.model.task)
versions = [ModelVersion.objects.create(**{**values, "model": model, "number": number}) for number in (1, 2)]
times = {"started_at": now(), "completed_at": now()}
replay = Replay.objects.create(model_version=versions[1], baseline=versions[0], covers_all=True, status="succeeded",
                               total_items=40, done_items=40, **times)
for number, prediction in enumerate(Prediction.objects.filter(model_version=iris)[:40], 1):
    right, before = number % 4 != 0, number % 3 != 0
    ReplayResult.objects.create(
        replay=replay, number=number, prediction=prediction, is_random=number % 2 == 0, true_label="setosa", is_done=True,
        label="setosa" if right else "virginica", baseline_label="setosa" if before else "virginica",
        is_correct=right, baseline_is_correct=before)
print(replay.get_absolute_url())
"""

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("accessibility")]


@without_motion
def test_public_pages_are_accessible(page, watched):
    watched.expected = ["status of 404"]
    audit = Audit(page)
    audit.check_page("tour", "/tour/")
    page.get_by_label("Sample 6").click()
    expect(page.get_by_role("heading", name="2. See the prediction")).to_be_visible()
    audit.check_page("tour with a result")
    audit.check_page("sign in", "/accounts/login/")
    audit.check_page("password reset", "/accounts/reset/")
    page.goto("/accounts/signup/")
    page.get_by_label("Username").fill("demo")
    page.get_by_label("Password", exact=True).fill("a")
    page.get_by_label("Password confirmation").fill("b")
    page.get_by_role("button", name="Sign up").click()
    expect(page.locator(".errorlist").first).to_be_visible()
    audit.check_page("sign-up with errors")
    audit.check_page("page not found", "/nothing/")
    audit.check(6)


@without_motion
def test_user_pages_are_accessible(page, watched):
    watched.expected = ["status of 400"]
    audit = Audit(page)
    name = sign_up(page)
    audit.check_page("first visit")
    audit.check_page("empty history", "/predictions/")
    page.goto("/")
    expect(page.locator("form.scripted")).to_be_visible()
    page.get_by_label("Choose images").set_input_files([SAMPLES / "seven.png", __file__])
    expect(page.locator(".result:not(.pending)")).to_have_count(2)
    audit.check_page("digits with a result and a rejected file")
    page.get_by_role("button", name="Mark correct").click()
    expect(page.get_by_text("Your review: Correct")).to_be_visible()
    audit.check_page("result with a review")
    page.get_by_role("link", name="Details").click()
    expect(page.get_by_role("heading", name="7", exact=True)).to_be_visible()
    audit.check_page("detail of an image")
    page.goto("/")
    expect(page.locator("form.scripted")).to_be_visible()
    page.get_by_label("Choose images").set_input_files(sorted(SAMPLES.glob("*.png"))[:6])
    expect(page.locator("#results .tile")).to_have_count(6, timeout=20_000)
    audit.check_page("grid of a batch job")
    for model in ("iris", "diabetes"):
        page.goto(f"/?model={model}&example=1")
        page.get_by_role("button", name="Predict").click()
        expect(page.locator(".result")).to_have_count(1)
        audit.check_page(f"{model} with a result")
    page.get_by_role("link", name="Details").click()
    page.get_by_text("Technical data").click()
    audit.check_page("detail of a row")
    page.goto("/?model=iris")
    page.get_by_text("Paste rows from a spreadsheet").click()
    page.get_by_label("Rows, with or without a header").fill("1;2")
    page.get_by_role("button", name="Fill in the form").click()
    expect(page.get_by_text("Expected 4 values")).to_be_visible()
    audit.check_page("invalid CSV row")
    audit.check_page("history", "/predictions/")
    page.get_by_text("More filters").click()
    audit.check_page("history, filters open")
    page.goto("/predictions/?model=digits&min_confidence=0.1&view=gallery")
    page.get_by_text("Saved filters").click()
    audit.check_page("gallery with chips and saved filters")
    audit.check_page("invalid filters", "/predictions/?min_confidence=7&unknown=1")
    audit.check_page("no matches", "/predictions/?label=none")
    audit.check_page("models", "/models/")
    check_batch_jobs(page, audit)
    page.goto("/accounts/tokens/")
    page.get_by_label("Name").fill("my script")
    page.get_by_role("button", name="Create token").click()
    expect(page.locator("#secret")).to_be_visible()
    audit.check_page("new token")
    audit.check_page("account", "/accounts/")
    page.locator(".account-menu summary").click()
    audit.check_page("account menu")
    audit.check_page("password", "/accounts/password/")
    check_unsent_form(page, audit, name)
    audit.check(27)


def check_unsent_form(page, audit, name):
    """Submit a form after the session has ended, sign in, and send the form."""
    page.goto("/accounts/tokens/")
    page.get_by_label("Name").fill("sent later")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_text("nothing was saved yet")).to_be_visible()
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Submit the form")).to_be_visible()
    audit.check_page("form that was not sent")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("cell", name="sent later")).to_be_visible()
    expect(page.locator("#secret")).to_be_visible()


def check_batch_jobs(page, audit):
    """Check the pages of batch jobs: empty, before a file is uploaded, and before, during, and after a batch job."""
    audit.check_page("batch jobs, empty", "/batch-jobs/")
    audit.check_page("new batch job", "/batch-jobs/new/?model=iris")
    rows = "".join(f"{number},5.1,3.5,{number % 9},{number % 9 and 0.2}\n" for number in range(1100))
    table = f"note,Sepal Length,sepal_width,petal_length,petal_width\n{rows}"
    page.get_by_label("File").set_input_files({"name": "rows.csv", "mimeType": "text/csv", "buffer": table.encode()})
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="First rows")).to_be_visible()
    audit.check_page("preview of a batch job")
    page.locator("#start-form button").click()
    audit.check_page("batch job that runs")
    expect(page.get_by_role("heading", name="Failed items")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("heading", name="Predictions by label")).to_be_visible(timeout=20_000)
    audit.check_page("batch job that has ended")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280  # the first row has two errors
    audit.check_page("batch jobs", "/batch-jobs/")


@without_motion
def test_staff_pages_are_accessible(page, watched, seeded_site):
    audit = Audit(page)
    sign_in(page, "/models/iris/evaluation/")
    for summary in page.locator("main summary").all():
        summary.click()
    audit.check_page("evaluation, all expanded")
    page.get_by_role("link", name="Review more").click()
    expect(page.locator("#queue[data-ready]")).to_be_visible()
    audit.check_page("blind review queue")
    page.get_by_role("button", name="Show predictions").click()
    expect(page.locator("#queue[data-ready]")).to_be_visible()
    audit.check_page("review queue")
    page.locator(".queue-slot:not(.sent)").first.get_by_role("button", name="setosa").click()  # the prediction is hidden
    expect(page.locator("#queue-message")).not_to_be_empty()
    audit.check_page("review queue after a verdict")
    shown = page.locator(".queue-slot:not(.sent)").first.get_attribute("data-id")
    audit.check_page("admin", "/admin/")
    audit.check_page("admin, predictions", f"/admin/predictions/prediction/?q={shown}")
    expect(page.get_by_role("searchbox", name="Search", exact=True)).to_have_count(1)
    page.locator("#result_list tbody tr").first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Review", exact=True)).to_be_visible()
    audit.check_page("admin, a prediction")
    audit.check_page("admin, users", "/admin/accounts/user/")
    page.get_by_role("link", name="demo", exact=True).click()
    audit.check_page("admin, a user")
    audit.check_page("admin, anonymize a user", page.url.replace("/change/", "/anonymize/"))
    audit.check_page("reviewer statistics", "/admin/predictions/review/queue/statistics/")
    audit.check_page("admin, new token", "/admin/accounts/apitoken/add/")
    audit.check_page("admin, model versions", "/admin/registry/modelversion/")
    page.get_by_role("link", name="iris:1").click()
    page.get_by_role("link", name="Promote…").click()
    audit.check_page("admin, promote")
    audit.check_page("operations", "/operations/")
    audit.check_page("alerts", "/operations/alerts/")
    page.locator("a", has_text="Edit: Latency").click()
    audit.check_page("alert rule")
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    page.goto(f"/operations/?model=iris&window=custom&start={today}&end={today}")
    expect(page.locator("#drift-tests")).to_be_visible()
    for summary in page.locator("main summary").all():
        summary.click()
    audit.check_page("operations of a model on one day, all expanded")
    audit.check_page("drift", "/operations/drift/?model=iris&version=1&window=30d")
    audit.check_page("model", "/models/iris/")
    audit.check_page("replay", seeded_site.run_script(CREATE_REPLAY))
    page.goto("/api/docs/")
    expect(page.locator(".opblock").first).to_be_visible(timeout=20_000)  # the schema of all operations is large
    audit.check_page("API")
    audit.check(22)
