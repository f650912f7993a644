"""Stream predictions as CSV, JSON Lines, or Excel workbooks: columns, rows, and file names."""
