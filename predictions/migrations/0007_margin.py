"""Fill in how far the top class was ahead of the second, for predictions that were made before it was kept."""

from django.db import migrations

AT_ONCE = 2000  # rows


def measure(apps, schema_editor):
    predictions = apps.get_model("predictions", "Prediction").objects
    rows = predictions.filter(margin=None, confidence__isnull=False).only("output").order_by("pk")
    last = None
    while batch := list((rows.filter(pk__gt=last) if last else rows)[:AT_ONCE]):
        for row in batch:
            scores = sorted((row.output or {}).get("scores", {}).values(), reverse=True)
            row.margin = scores[0] - scores[1] if len(scores) > 1 else None
        predictions.bulk_update(batch, ["margin"], batch_size=200)
        last = batch[-1].pk


class Migration(migrations.Migration):
    dependencies = [("predictions", "0006_review_queue")]
    operations = [migrations.RunPython(measure, migrations.RunPython.noop)]
