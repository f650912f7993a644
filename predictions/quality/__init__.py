"""How good a version really is: measured over what people judged, and over nothing else."""

from predictions.quality.comparing import Comparison, compare
from predictions.quality.findings import Quality
from predictions.quality.measuring import quality_of

__all__ = ["Comparison", "Quality", "compare", "quality_of"]
