"""Repeatable faults: a site under load is damaged and healed, and then no acknowledged prediction may be missing.

    make faults
    make faults FAULTS="F1 F7" FAULT_ROUNDS=5

`catalog.py` lists the faults, the modules that register them inject them, `run.py` runs one, and `report.py` writes the
results to `docs/reliability.md`.
"""
