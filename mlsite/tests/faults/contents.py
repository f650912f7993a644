"""Stored files that are damaged at rest."""

from __future__ import annotations

import json
import os
from pathlib import Path

from mlsite.tests.faults.catalog import fault
from mlsite.tests.faults.installation import wait_until
from mlsite.tests.faults.run import FaultRun

FILES_PER_ROUND = 4
LIST_FILES_SCRIPT = """
import json
from predictions.models import Input
rows = Input.objects.exclude(image="").order_by("-pk")[:{count}]
print(json.dumps([[str(row.pk), row.image.path] for row in rows]))
"""


@fault("F19", "Files damaged at rest", bar="500 with the cause, never wrong bytes; verify_store names each file")
def damage_files(run: FaultRun) -> None:
    run.start()
    wait_until(lambda: run.load.count("ok") >= run.fault.acknowledged, seconds=90, pause=0.5)
    run.load.stop()
    run.result.acknowledged = run.load.count("ok")
    count = FILES_PER_ROUND * run.round_count
    files = json.loads(run.site.run_script(LIST_FILES_SCRIPT.format(count=count)).splitlines()[-1])
    run.expect(len(files) == count, f"only {len(files)} files are stored")
    contents = {path: Path(path).read_bytes() for _, path in files}
    for number in run.iterate_rounds():
        flipped, removed, first, second = (Path(path) for _, path in files[FILES_PER_ROUND * number :][:FILES_PER_ROUND])
        content = bytearray(contents[str(flipped)])
        content[number % len(content)] ^= 1 << number % 8
        flipped.write_bytes(content)
        removed.unlink()
        first.write_bytes(contents[str(second)])
        second.write_bytes(contents[str(first)])
    for input_id, path in files:
        response = run.get(f"/api/v1/inputs/{input_id}/image/")
        assert response is not None
        code = "stored-file-damaged" if os.path.exists(path) else "stored-file-missing"
        outcome = (response.status_code, response.json().get("code"))
        run.expect(outcome == (500, code), f"the image endpoint sent {outcome}")
        run.expect(contents[path] not in response.content, "a damaged file was sent")
    for path in ("/api/v1/predictions/", f"/api/v1/inputs/{files[0][0]}/"):
        response = run.get(path)
        run.expect(response is not None and response.status_code == 200, f"{path} did not open")
    breaches = [breach for breach in run.verify_store() if breach["invariant"] == "I2"]
    named = {breach["id"] for breach in breaches}
    run.expect(named == {input_id for input_id, _ in files}, f"verify_store named {len(named)} of {len(files)} files")
    for path, content in contents.items():
        Path(path).write_bytes(content)
    run.record_recovery(0.0)
    run.verify()
    run.is_finished = True
