"""What the documentation names is there: files, pages, and what the package exports."""

from pathlib import Path
import re

from doc_commands import CODE, PAGES, ROOT
import pytest
import unihpe_ros

LINK = re.compile(r'\]\(([^)\s]+)\)')


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    text = page.read_text(encoding='utf-8')
    broken = []
    for link in LINK.findall(re.sub(CODE, '', text)):
        target, _, anchor = link.partition('#')
        if re.match(r'[a-z]+:', link):
            continue
        path = page.parent / target if target else page
        if not path.exists() or (anchor and anchor not in _anchors(path)):
            broken.append(link)
    assert broken == []


def _anchors(path: Path) -> set[str]:
    """Return the names of a page's headings as GitHub makes them."""
    titles = re.findall(r'^#+ (.*)$', path.read_text(encoding='utf-8'), re.MULTILINE)
    return {re.sub(r'[^\w -]', '', title.lower()).replace(' ', '-') for title in titles}


def test_every_page_of_docs_is_in_the_menu_of_the_site():
    menu = (ROOT / 'mkdocs.yml').read_text(encoding='utf-8')
    pages = [path.relative_to(ROOT / 'docs').as_posix() for path in ROOT.glob('docs/**/*.md')]
    assert [page for page in pages if f': {page}\n' not in menu] == []


@pytest.mark.parametrize('page', ['CONTRIBUTING.md', 'docs/architecture.md'])
def test_the_files_that_a_page_tells_of_are_there(page):
    text = (ROOT / page).read_text(encoding='utf-8')
    names = re.findall(r'`([\w/]+/[\w]+\.(?:py|yaml|md))`', text)
    folders = (ROOT, ROOT / 'unihpe_ros')
    assert len(names) > 10
    wanted = [name for name in names if 'NAME' not in name]
    assert [name for name in wanted if not any((f / name).is_file() for f in folders)] == []


def test_the_reference_has_what_the_package_exports():
    text = (ROOT / 'docs/api.md').read_text(encoding='utf-8')
    documented = re.findall(r'^::: unihpe_ros\..*?(\w+)$', text, re.MULTILINE)
    assert sorted(documented) == sorted(unihpe_ros.__all__)
