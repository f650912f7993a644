"""Serializers of the metrics. A metric without data is null."""

from __future__ import annotations

from rest_framework import serializers


class ShareSerializer(serializers.Serializer):
    """A share with its 95% Wilson interval."""

    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()


class ClassQualitySerializer(serializers.Serializer):
    """Precision and recall of one label. `support` is the number of predictions with this true label."""

    label = serializers.CharField()  # type: ignore[assignment]
    precision = serializers.FloatField(allow_null=True)
    recall = serializers.FloatField(allow_null=True)
    support = serializers.IntegerField()


class ConfusionSerializer(serializers.Serializer):
    """Rows are true labels, columns are predicted labels."""

    labels = serializers.ListField(child=serializers.CharField())
    matrix = serializers.ListField(child=serializers.ListField(child=serializers.IntegerField()))


class CalibrationBinSerializer(serializers.Serializer):
    """Mean confidence and accuracy of the predictions with a confidence in (low, high]."""

    low = serializers.FloatField()
    high = serializers.FloatField()
    n = serializers.IntegerField()
    confidence = serializers.FloatField(allow_null=True)
    accuracy = serializers.FloatField(allow_null=True)


class CalibrationSerializer(serializers.Serializer):
    """The expected calibration error and the reliability curve in ten bins, each (low, high]."""

    ece = serializers.FloatField(allow_null=True)
    bins = CalibrationBinSerializer(many=True)


class ResidualBinSerializer(serializers.Serializer):
    """Number of predictions with an error from `low` to `high`."""

    low = serializers.FloatField()
    high = serializers.FloatField()
    n = serializers.IntegerField()


class ResidualsSerializer(serializers.Serializer):
    """Mean and histogram of the errors, predicted minus true value."""

    mean = serializers.FloatField(allow_null=True)
    bins = ResidualBinSerializer(many=True)


class RegressionSerializer(serializers.Serializer):
    """Errors of the predictions with a known true value, in the unit of the value."""

    mae = serializers.FloatField(allow_null=True)
    rmse = serializers.FloatField(allow_null=True)
    r2 = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()
    residuals = ResidualsSerializer()


class LabelQualitySerializer(serializers.Serializer):
    """Metrics of one label, and the counts that they are based on. `support` is the number of predictions with the label."""

    label = serializers.CharField()  # type: ignore[assignment]
    precision = ShareSerializer()
    recall = ShareSerializer()
    f1 = ShareSerializer()
    support = serializers.IntegerField()
    predicted = serializers.IntegerField()
    true_positives = serializers.IntegerField()
    false_positives = serializers.IntegerField()
    false_negatives = serializers.IntegerField()
    true_negatives = serializers.IntegerField()


class AveragesSerializer(serializers.Serializer):
    """Averages over all labels."""

    precision = serializers.FloatField(allow_null=True)
    recall = serializers.FloatField(allow_null=True)
    f1 = serializers.FloatField(allow_null=True)


class MultiLabelSerializer(serializers.Serializer):
    """Metrics of the predictions with known true labels."""

    n = serializers.IntegerField()
    hamming_loss = serializers.FloatField(allow_null=True)
    micro = AveragesSerializer(help_text="Of the sums of all labels.")
    macro = AveragesSerializer(help_text="Unweighted means over the labels.")
    labels = LabelQualitySerializer(many=True)


class QualitySerializer(serializers.Serializer):
    """The metrics of a model version."""

    version = serializers.IntegerField()
    predictions = serializers.IntegerField(help_text="Number of succeeded predictions.")
    reviewed = serializers.IntegerField(help_text="Number of predictions with a review, including `unsure` reviews.")
    coverage = serializers.FloatField(allow_null=True, help_text="reviewed / predictions.")
    accuracy = ShareSerializer(
        help_text="Share of correct predictions among those reviewed as correct or incorrect. For a multi-label model, all "
        "labels must be right (subset accuracy)."
    )
    random = ShareSerializer(help_text="Accuracy of the random sample.")
    picked = ShareSerializer(help_text="Accuracy of the low-confidence sample: underestimates accuracy.")
    classes = ClassQualitySerializer(many=True)
    confusion = ConfusionSerializer(allow_null=True)
    calibration = CalibrationSerializer(allow_null=True)
    kappa = serializers.FloatField(allow_null=True, help_text="Cohen's kappa of reviewers of the same predictions.")
    kappa_n = serializers.IntegerField(help_text="Number of predictions with two reviewers.")
    regression = RegressionSerializer(allow_null=True)
    multi_label = MultiLabelSerializer(allow_null=True)
