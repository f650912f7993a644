"""Move the counts of predictions by user from JSON to packed numbers, a few rollups per transaction.

The code before this migration can read the result. It counts nothing by user in these rollups. Rollups that it stores
meanwhile have the counts in JSON, which the new code reads too.
"""

import zlib

import numpy as np
from django.db import migrations, transaction

ROWS_PER_TRANSACTION = 100
NO_USER = 0


def pack_users(apps, schema_editor):
    Rollup, CountedUser, User = (
        apps.get_model(label) for label in ("monitoring.Rollup", "monitoring.CountedUser", "accounts.User")
    )
    for rows in iterate_rollups(Rollup, users=None):
        ids = {pk for row in rows for pk in row.counts["user"] if pk}
        users = User.objects.filter(pk__in=ids, counted=None).order_by("pk").only("pk")
        CountedUser.objects.bulk_create([CountedUser(user=user) for user in users], ignore_conflicts=True)
        numbers = {str(pk): number for pk, number in CountedUser.objects.filter(user__in=ids).values_list("user", "number")}
        for row in rows:
            row.users = pack(row.counts["user"], numbers)
            row.counts["user"] = {}
        Rollup.objects.bulk_update(rows, ["counts", "users"])


def unpack_users(apps, schema_editor):
    Rollup, CountedUser = (apps.get_model(label) for label in ("monitoring.Rollup", "monitoring.CountedUser"))
    ids = {number: str(pk) for number, pk in CountedUser.objects.exclude(user=None).values_list("number", "user")}
    for rows in iterate_rollups(Rollup, users__isnull=False):
        for row in rows:
            row.counts["user"] = unpack(row.users, ids)
            row.users = None
        Rollup.objects.bulk_update(rows, ["counts", "users"])


def iterate_rollups(model, **filters):
    """Yield all rollups that match, in parts. Each part is changed in one transaction before the next is read."""
    last = None
    while True:
        with transaction.atomic():
            rows = model.objects.select_for_update().filter(**filters).order_by("pk")
            part = list((rows.filter(pk__gt=last) if last else rows).only("pk", "counts", "users")[:ROWS_PER_TRANSACTION])
            if not part:
                return
            yield part
            last = part[-1].pk


def pack(counts, numbers):
    totals = {}
    for pk, count in counts.items():
        number = numbers.get(pk, NO_USER)
        totals[number] = totals.get(number, 0) + count
    order = sorted(totals)
    values = [np.diff(np.array(order, np.int64), prepend=0), np.array([totals[number] for number in order], np.int64)]
    return zlib.compress(np.stack(values).astype("<i8").tobytes())


def unpack(packed, ids):
    steps, totals = np.frombuffer(zlib.decompress(bytes(packed)), "<i8").reshape(2, -1)
    counts = {}
    for number, total in zip(np.cumsum(steps).tolist(), totals.tolist(), strict=True):
        pk = ids.get(number, "")
        counts[pk] = counts.get(pk, 0) + total
    return counts


class Migration(migrations.Migration):
    atomic = False  # each part is a transaction of its own

    dependencies = [("monitoring", "0006_counted_users")]

    operations = [migrations.RunPython(pack_users, unpack_users)]
