"""The command `mlsite-client`."""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from mlsite_client import __version__
from mlsite_client.batches import Result
from mlsite_client.client import Client
from mlsite_client.errors import MlsiteError
from mlsite_client.transport import check_target
from mlsite_client.types import BatchJob, Prediction

JOB_SUFFIXES = {".csv", ".tsv", ".zip"}
MAX_TIMEOUT_SECONDS = 86_400
EXIT_FAILED_INPUTS = 1
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
EXPORT_FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".xlsx": "xlsx"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Return 0, 1 if an input failed, or 2 after another error."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if not options.url or not options.token:
        parser.error("Set --url and --token, or MLSITE_URL and MLSITE_TOKEN in the environment.")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for file names that the terminal cannot show
    try:
        with Client(options.url, options.token, timeout=options.timeout) as client:
            status: int = options.run(client, options)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader has closed the output, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return EXIT_BROKEN_PIPE
    except (MlsiteError, ValueError, ImportError) as error:  # ImportError: a SOCKS proxy needs a package
        message = str(error)
    except OSError as error:
        message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    print(f"mlsite-client: {message}", file=sys.stderr)
    return EXIT_ERROR


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mlsite-client", description="Run models on an mlsite site, and list, export, and review predictions."
    )
    parser.add_argument("--url", default=os.environ.get("MLSITE_URL", ""), help="URL of the site; default: MLSITE_URL")
    parser.add_argument("--token", default=os.environ.get("MLSITE_TOKEN", ""), help="API token; default: MLSITE_TOKEN")
    parser.add_argument("--timeout", type=parse_timeout, default=60, help="seconds to wait for a response; default: 60")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    predict = commands.add_parser("predict", help="run a model on images, or on a CSV or ZIP file")
    predict.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="images, or one .csv or .zip file")
    predict.add_argument(
        "--model", default="", help="name, name@alias, or name:version; default: the default model of the site"
    )
    predict.add_argument("--json", action="store_true", help="print one JSON object per line")
    predict.add_argument("--output", type=Path, help="the CSV file for the results of a batch job; default: standard output")
    predict.set_defaults(run=run_predict)

    listing = commands.add_parser("list", help="list predictions, newest first")
    listing.add_argument("filters", nargs="*", metavar="NAME=VALUE", help="filters of the API, such as label=7")
    listing.add_argument("--limit", type=parse_limit, default=20, help="largest number of predictions; default: 20")
    listing.add_argument("--json", action="store_true", help="print one JSON object per line")
    listing.set_defaults(run=run_list)

    export = commands.add_parser("export", help="write predictions to a file")
    export.add_argument("path", type=Path, help="a .csv, .jsonl, or .xlsx file")
    export.add_argument("filters", nargs="*", metavar="NAME=VALUE", help="filters of the API")
    export.set_defaults(run=run_export)

    review = commands.add_parser("review", help="review a prediction")
    review.add_argument("id", help="ID of the prediction")
    review.add_argument("verdict", choices=["correct", "incorrect", "unsure"])
    review.add_argument("--true-label", help="the true label, for incorrect predictions")
    review.add_argument("--true-value", type=float, help="the true value, for regression models")
    review.add_argument("--comment", help="stored with the review")
    review.set_defaults(run=run_review)
    return parser


def run_predict(client: Client, options: argparse.Namespace) -> int:
    files = [path for path in options.paths if path.suffix.lower() in JOB_SUFFIXES]
    if not files:
        return _predict_images(client, options)
    if len(options.paths) > 1:
        raise OSError("Pass one .csv or .zip file, or images.")
    return _run_job(client, files[0], options)


def _predict_images(client: Client, options: argparse.Namespace) -> int:
    results = client.predict_many(options.paths, model=options.model, progress=sys.stderr.isatty())
    for path, result in zip(options.paths, results, strict=True):
        _print_result(str(path), result, as_json=options.json)
    return _get_status(all(isinstance(result, Prediction) and result.status == "succeeded" for result in results))


def _run_job(client: Client, path: Path, options: argparse.Namespace) -> int:
    if options.output:
        check_target(options.output)
    job: BatchJob = client.submit_job(path, model=options.model)
    print(f"batch job {job.id}", file=sys.stderr)
    job = client.wait(job, progress=sys.stderr.isatty())
    if job.error:
        print(f"mlsite-client: {job.error.detail}", file=sys.stderr)
    if options.output:
        client.download_results(job, options.output)
    else:
        with tempfile.TemporaryDirectory() as folder:
            target = client.download_results(job, Path(folder) / "results.csv")
            sys.stdout.write(target.read_text("utf-8-sig"))
    return _get_status(job.status == "succeeded" and job.failed == 0)


def run_list(client: Client, options: argparse.Namespace) -> int:
    predictions = client.predictions(**_parse_filters(options.filters))
    for prediction in islice(predictions, options.limit):
        _print_result(prediction.id, prediction, as_json=options.json)
    return 0


def run_export(client: Client, options: argparse.Namespace) -> int:
    file_format = EXPORT_FORMATS.get(options.path.suffix.lower(), "csv")
    client.export(options.path, format=file_format, **_parse_filters(options.filters))
    return 0


def run_review(client: Client, options: argparse.Namespace) -> int:
    review = client.review(
        options.id,
        options.verdict,
        true_label=options.true_label,
        true_value=options.true_value,
        comment=options.comment,
    )
    print(review.verdict)
    return 0


def parse_limit(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"Expected a whole number. Received: {text}")
    return int(text)


def parse_timeout(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) <= MAX_TIMEOUT_SECONDS:
            return float(text)
    raise argparse.ArgumentTypeError(f"Expected a number of seconds above 0, up to {MAX_TIMEOUT_SECONDS}. Received: {text}")


def _parse_filters(texts: Sequence[str]) -> dict[str, list[str]]:
    """Return the values of each filter. A filter that is repeated matches any of its values."""
    filters: dict[str, list[str]] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise OSError(f"Expected a filter as NAME=VALUE. Received: {name}")
        filters.setdefault(name, []).append(value)
    return filters


def _print_result(name: str, result: Result, *, as_json: bool) -> None:
    if as_json:
        body: Any = result.raw if isinstance(result, Prediction) else vars(result)
        source = {} if name == body.get("id") else {"name": name}  # the file of a result
        print(json.dumps({**source, **body}, ensure_ascii=False))
        return
    csv.writer(sys.stdout, delimiter="\t", lineterminator="\n").writerow([name, *_describe(result)])


def _describe(result: Result) -> list[str]:
    if not isinstance(result, Prediction):
        return ["error", result.detail]
    if result.error:
        return [result.status, result.error.detail]
    if result.labels is not None:
        return [", ".join(result.labels)]
    if result.value is not None:
        return [f"{result.value:g}"]
    if result.label is None:
        return [result.status]
    return [result.label, "" if result.confidence is None else f"{result.confidence:.4f}"]


def _get_status(is_complete: bool) -> int:
    return 0 if is_complete else EXIT_FAILED_INPUTS


if __name__ == "__main__":
    sys.exit(main())
