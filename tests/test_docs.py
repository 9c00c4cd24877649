"""The pages for readers: links work, names in them exist, facts agree."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from hamzaban import __version__
from hamzaban.cli import complete_verb, list_verbs
from repository import ROOT, is_own, list_files, name_of

PAGES = list(list_files("*.md"))
PACKAGE = ROOT / "plugins" / "hamzaban"
CODE = re.compile(r"^(```.*?^```|(?: {4}|\t).*?$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^]]*\]\(([^)\s]+)\)")
VERB = re.compile(r"(?<![\w./-])hamzaban ([a-z][a-z-]+)(?![\w.=/])")
TABLE_PATH = re.compile(r"^\| `([\w./]+\.(?:py|yaml|md|sh))`", re.MULTILINE)

each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


def read_prose(page: Path) -> str:
    """Return the text of a page without blocks of code; inline code becomes a word."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    return re.sub(r"`[^`\n]+`", "code", text)


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    titles = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title) for title in titles]
    return {re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles}


def broken_links(page: Path) -> Iterator[str]:
    for target in LINK.findall(read_prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or not found.is_relative_to(ROOT):
            yield f"{target}: no such file"
        elif anchor and anchor not in anchors_of(found):
            yield f"{target}: no such heading"


@each_page
def test_links_lead_to_files_and_headings(page):
    assert list(broken_links(page)) == []


@each_page
def test_verbs_that_a_page_shows_exist(page):
    verbs = list_verbs()
    text = page.read_text(encoding="utf-8")
    shown = re.findall(r"^(?:    .*|.*`hamzaban .*)$", text, re.MULTILINE)
    named = {verb for line in shown for verb in VERB.findall(line)}
    unknown = {verb for verb in named if complete_verb(verb, verbs) not in verbs}
    assert unknown == set()


def test_every_page_is_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = [link.partition("#")[0] for link in LINK.findall(read_prose(page))]
        waiting += [(page.parent / link).resolve() for link in links if ":" not in link]
    apart = {  # pages of folders, which readers of the folder find
        page for page in PAGES if page.parent.is_relative_to(PACKAGE)
    }
    lost = [page for page in PAGES if page not in reached | apart]
    assert [name_of(page) for page in lost if not is_own(page)] == []


def test_the_map_names_every_package():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text[text.index("## What each package holds") :]
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|[^|]*\|", table, re.M))))
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages - named == set()


def test_files_that_contributors_are_sent_to_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = set(TABLE_PATH.findall(text))
    assert len(paths) > 10
    places = [(ROOT, PACKAGE)[not (ROOT / path).exists()] / path for path in paths]
    assert [path for path in places if not path.exists()] == []


def test_the_citation_is_complete_and_of_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "license"} <= set(cited)
    assert cited["version"] == __version__


def test_the_changelog_begins_with_this_version_or_the_next():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## ([\d.]+)(?: \(unreleased\))?$", text, re.MULTILINE)
    assert __version__ in versions[:2]
