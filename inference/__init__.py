"""Load trained models and run them: pure Python, NumPy and Pillow. Knows no user, no row and no HTTP."""
