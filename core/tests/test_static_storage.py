"""The storage of static files: what is compressed."""

from core.static_storage import StaticFilesStorage


def test_files_are_compressed_with_gzip_only_and_source_maps_not_at_all(tmp_path):
    """Brotli is installed here, because a package of the tests requires it."""
    storage = StaticFilesStorage(location=tmp_path)
    for name in ("site.js", "site.js.map"):
        (tmp_path / name).write_text("a" * 10_000)
    files = {name: (storage, name) for name in ("site.js", "site.js.map")}
    assert all(not isinstance(outcome, Exception) for *_, outcome in storage.post_process(files))
    suffixes = {"".join(path.suffixes[-2:]) for path in tmp_path.iterdir() if path.suffix in (".gz", ".br")}
    assert suffixes == {".js.gz"}
