"""Export predictions and reviews as Parquet files. Needs requirements-parquet.txt. docs/parquet.md describes the format."""
