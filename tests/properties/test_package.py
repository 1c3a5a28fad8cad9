"""What the package says of itself: versions that agree, metadata, links that lead somewhere wherever they are read."""

import ast
import gc
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

import verified_natural_gradient
from verified_natural_gradient.options import CHECKOUT
from verified_natural_gradient.plugin import _kept_to_the_end

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\(([^)\s]+)\)|<(https?://[^>]+)>")
PATH = re.compile(r"`((?:docs|theory|properties|tests|tools)/[\w./-]+|[A-Z]+\.(?:md|cff)|constraints\.txt)`")


def citation() -> Any:
    return yaml.safe_load((CHECKOUT / "CITATION.cff").read_text(encoding="utf-8"))


def test_one_version() -> None:
    version = verified_natural_gradient.__version__
    assert version == PROJECT["version"] == citation()["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)


def test_the_changelog_has_what_is_to_come_and_every_version_with_its_day() -> None:
    text = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    first, *versions = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert first == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", version) for version in versions)
    assert f"[{PROJECT['version']}]" in versions[0]
    kinds = set(re.findall(r"^### (.*)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_licence_is_an_expression_and_no_classifier() -> None:
    assert PROJECT["license"] == citation()["license"] == "MIT"
    assert not [classifier for classifier in PROJECT["classifiers"] if classifier.startswith("License ::")]
    assert (CHECKOUT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")


def test_it_says_what_it_is() -> None:
    found = set(PROJECT["classifiers"])
    assert {"Framework :: Pytest", "Framework :: Hypothesis", "Typing :: Typed"} <= found
    assert len(found) == len(PROJECT["classifiers"])
    assert PROJECT["requires-python"] == ">=3.11"
    assert {"natural gradient descent", "K-FAC", "pytest plugin"} <= set(PROJECT["keywords"])
    assert all(address.startswith("https://") and "OWNER" not in address for address in PROJECT["urls"].values())


@pytest.mark.parametrize("package", ["theory", "properties", "verified_natural_gradient"])
def test_type_checkers_may_read_it(package: str) -> None:
    assert (CHECKOUT / package / "py.typed").is_file()


def test_the_citation_names_the_software_and_the_paper() -> None:
    found = citation()
    assert found["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "type"} <= found.keys()
    (paper,) = found["references"]
    assert [author["family-names"] for author in paper["authors"]] == ["Zhang", "Martens", "Grosse"]
    assert all(author["family-names"] in PROJECT["description"] for author in paper["authors"])
    assert paper["url"] in PROJECT["urls"].values()


def test_links_of_the_readme_work_on_every_page_that_shows_it() -> None:
    """A package index shows the text without the files beside it: a link is whole, or leads to a heading.

    A picture of the checkout is not among what an index is given.
    """
    description = ProjectMetadata(str(CHECKOUT), PluginManager()).core.readme
    anchors = {
        re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", README, re.MULTILINE)
    }
    links = [one or other for one, other in LINK.findall(description)]
    assert links
    without_pictures = re.sub(r"^!\[[^]]*\]\(docs/.*?^(?=## )", "", README, flags=re.MULTILINE | re.DOTALL)
    assert description.strip() == without_pictures.strip() != README.strip()
    assert [link for link in links if not link.startswith("https://") and link.removeprefix("#") not in anchors] == []


def test_files_that_the_readme_names_exist() -> None:
    named = set(PATH.findall(README))
    assert len(named) >= 8
    assert [path for path in named if not (CHECKOUT / path).exists()] == []


@pytest.mark.parametrize("page", sorted((CHECKOUT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_links_between_the_pages_lead_to_files(page: Path) -> None:
    links = [one or other for one, other in LINK.findall(page.read_text(encoding="utf-8"))]
    local = [link.partition("#")[0] for link in links if "://" not in link]
    assert [link for link in local if link and not (page.parent / link).exists()] == []


def test_the_version_costs_no_import() -> None:
    tree = ast.parse(Path(verified_natural_gradient.__file__).read_text(encoding="utf-8"))
    (found,) = [
        node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__"
    ]
    assert isinstance(found.value, ast.Constant)


def test_the_garbage_collector_leaves_out_what_was_loaded_and_goes_on() -> None:
    frozen = gc.get_freeze_count()
    assert frozen > 10_000
    assert gc.isenabled()
    with _kept_to_the_end():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() == frozen, "nothing was loaded: what lies about is collected as before"
