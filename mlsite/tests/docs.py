"""The pages of the documentation, for tests."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CLIENT = ROOT / "clients" / "python"
TOP_PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
DEPLOY_PAGES = sorted((ROOT / "deploy").rglob("README.md"))
PAGES = [*TOP_PAGES, CLIENT / "README.md", *DEPLOY_PAGES, *sorted(DOCS.glob("*.md"))]
