"""The ledger: registered models, inputs and predictions, and the doors to them."""
