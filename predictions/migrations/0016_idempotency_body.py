from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("predictions", "0015_batch_job_images")]

    operations = [
        # Responses can be binary. No code has stored any yet, so there is nothing to convert.
        migrations.RemoveField(model_name="idempotencykey", name="body"),
        migrations.AddField(model_name="idempotencykey", name="body", field=models.BinaryField(blank=True, default=b"")),
    ]
