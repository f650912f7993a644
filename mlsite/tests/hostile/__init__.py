"""Hostile requests as data, by topic. `test_hostile_cases.py` sends them. The letters are those of docs/reliability.md."""
