"""The list of faults. Modules of this package register them with `fault`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlsite.tests.faults.run import FaultRun

SQLITE, POSTGRES = "SQLite", "PostgreSQL"
BOTH = (SQLITE, POSTGRES)


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault.

    Args:
        id: as in the issue and in the result table.
        inject: damages and heals the site in each round, while clients send requests.
        bar: the criterion that must be met, in addition to no breach in the store.
        programs: that must be installed. If one is missing, the fault is not run.
        needs_root: whether only root can inject it.
        divisor: of the number of rounds, for faults whose rounds take long.
        acknowledged: the number of acknowledged predictions after which the load ends.
        threads: of the load client.
        settings: environment variables of the site.
    """

    id: str
    name: str
    inject: Callable[[FaultRun], None]
    bar: str
    databases: tuple[str, ...] = BOTH
    programs: tuple[str, ...] = ()
    needs_root: bool = False
    divisor: int = 1
    acknowledged: int = 2000
    threads: int = 8
    settings: dict[str, str] = field(default_factory=dict)


FAULTS: dict[str, Fault] = {}


def fault(id: str, name: str, **options: object) -> Callable[[Callable[[FaultRun], None]], Callable[[FaultRun], None]]:
    """Register a function that injects a fault.

    Args:
        options: further fields of `Fault`.
    """

    def register(inject: Callable[[FaultRun], None]) -> Callable[[FaultRun], None]:
        assert id not in FAULTS, id
        FAULTS[id] = Fault(id, name, inject, **options)  # type: ignore[arg-type]
        return inject

    return register
