"""The pages of the documentation, for tests."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CLIENT = ROOT / "clients" / "python"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", CLIENT / "README.md", *sorted(DOCS.glob("*.md"))]
