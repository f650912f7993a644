"""REST API of predictions, inputs, reviews and ground truth."""
