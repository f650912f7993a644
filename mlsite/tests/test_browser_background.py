"""Queued predictions in a browser: pages that show the result without a reload, and the Cancel button."""

import pytest
from playwright.sync_api import expect

from mlsite.tests.audit import Audit, without_motion
from mlsite.tests.browser import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.site, pytest.mark.xdist_group("browser-background")]

# Queue a prediction that no worker takes, because its task is not enqueued.
QUEUE = """
from datetime import timedelta
from django.utils import timezone
import core.tasks
from accounts.models import User
from predictions.models import QueuedPrediction
from predictions.services.background import queue_prediction
core.tasks._enqueue = lambda name, row_id: None
row = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
for reference in ("run", "cancel", "scriptless"):
    options = {"user": User.objects.get(username="demo"), "source": "api", "client_reference": reference}
    print(queue_prediction(features=row, model="iris", **options).pk)
QueuedPrediction.objects.update(enqueue_at=timezone.now() + timedelta(minutes=9))  # a later time counts as overdue
"""
RUN = "from predictions.services.background import run_queued_prediction as run; run({!r})"


@without_motion
def test_queued_predictions_change_without_a_reload(site, page, watched, browser):
    run_id, cancel_id, scriptless_id = site.run_script(QUEUE).split()
    sign_in(page, f"/predictions/{run_id}/")
    expect(page.get_by_role("heading", name="Queued")).to_be_visible()
    audit = Audit(page)
    audit.check_page("queued prediction")
    history = watched.context.new_page()
    history.goto("/predictions/")
    row = history.locator(f"#prediction-{run_id}")
    expect(row.get_by_text("Queued")).to_be_visible()
    history.evaluate("window.isSamePage = true")
    site.run_script(RUN.format(run_id))
    expect(page.get_by_role("heading", name="setosa")).to_be_visible()
    expect(row.get_by_text("setosa")).to_be_visible()
    assert history.evaluate("window.isSamePage")
    expect(row.locator("time")).to_have_text("just now")  # the script formats the new row too
    page.goto(f"/predictions/{cancel_id}/")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The prediction is canceled.")).to_be_visible()
    expect(page.get_by_role("heading", name="Canceled")).to_be_visible()
    expect(history.locator(f"#prediction-{cancel_id}").get_by_text("Canceled")).to_be_visible()
    audit.check_page("canceled prediction")
    audit.check(2)

    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    scriptless = context.new_page()
    sign_in(scriptless, f"/predictions/{scriptless_id}/")
    expect(scriptless.get_by_role("heading", name="Queued")).to_be_visible()
    scriptless.get_by_role("button", name="Cancel").click()
    expect(scriptless.get_by_role("heading", name="Canceled")).to_be_visible()
    expect(history.locator("[hx-get*='/predictions/open/']")).to_have_count(0)  # nothing is open, so polling has ended
    context.close()
