"""Each column that can contain data of a user is classified: the erasure removes it, or there is a reason why it stays."""

from mlsite.tests.erasure_fields import DELETED, EMPTIED, UNCHANGED, WITHOUT_USERS, list_columns


def test_every_column_is_classified():
    unclassified = {}
    for label, texts, relations in list_columns():
        known = EMPTIED.get(label, set()) | UNCHANGED.get(label, set())
        columns = set() if label in DELETED else relations - known
        if label not in DELETED | WITHOUT_USERS:
            columns |= texts - known
        if columns:
            unclassified[label] = columns
    assert not unclassified, "Add these columns to mlsite/tests/erasure_fields.py."


def test_the_classification_has_no_other_columns():
    columns = {label: texts | relations for label, texts, relations in list_columns()}
    assert columns.keys() >= DELETED | WITHOUT_USERS | EMPTIED.keys() | UNCHANGED.keys()
    for table in (EMPTIED, UNCHANGED):
        for label, names in table.items():
            assert names <= columns[label], label
