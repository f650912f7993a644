"""A receiver of webhooks in a process of its own: python -m events.tests.recording_receiver PORT FILE

It appends each body to the file, as one line, before it confirms the request.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from events.tests.receiver import Request, run_receiver


def main(port: int, path: Path) -> None:
    lock = threading.Lock()
    with path.open("ab") as file, run_receiver(port=port) as receiver:

        def record(request: Request) -> tuple[int, bytes, dict[str, str]]:
            with lock:
                file.write(request.body + b"\n")
                file.flush()
            return 204, b"", {}

        receiver.respond = record
        threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
