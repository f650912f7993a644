"""Charts of the evaluation page as SVG that the server draws."""

from evaluation.charts.drawing import Chart as Chart
from evaluation.charts.labels import build_label_charts as build_label_charts
from evaluation.charts.values import build_value_charts as build_value_charts
