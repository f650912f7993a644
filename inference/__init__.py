"""Load trained models and run them. Needs Python, NumPy and Pillow; knows no users, database or HTTP."""
