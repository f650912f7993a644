"""Example site: bootstrap, tour and generated data."""
