"""What the documentation names is there: commands, their options, files and pages."""

import argparse
from collections.abc import Iterator
from pathlib import Path
import re
import shlex

import pytest
import unihpe_ros
from unihpe_ros.cli import main as cli

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / 'README.md',
    ROOT / 'CONTRIBUTING.md',
    *sorted((ROOT / 'docs').rglob('*.md')),
    *sorted((ROOT / 'resource').rglob('*.md')),
]
# Fenced blocks, indented ones, and spans.
CODE = re.compile(r'^```\w*\n(.*?)^```|((?:^ {4}[^\n]*\n)+)|`([^`\n]+)`', re.DOTALL | re.MULTILINE)
LINK = re.compile(r'\]\(([^)\s]+)\)')
ENDS = {'|', '||', '&&', ';', '&', '>', '>>'}


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words after `unihpe` of every command line in code blocks and spans."""
    for found in CODE.findall(text):
        for line in ''.join(found).replace('\\\n', ' ').splitlines():
            name = re.search(r'(?<![\w\'-])unihpe (?=[a-z-])', line)
            if name is None:
                continue
            words = shlex.split(line[name.end() :], comments=True)
            end = next((n for n, word in enumerate(words) if word in ENDS), len(words))
            yield words[:end]


def complaints(words: list[str], parser: argparse.ArgumentParser) -> list[str]:
    """Return the subcommands and options that a parser lacks."""
    options = dict(parser._option_string_actions)
    missing = []
    subcommands = _subcommands(parser)
    for word in words:
        if subcommands and not word.startswith('-'):
            if word not in subcommands:
                return [*missing, word]
            options |= subcommands[word]._option_string_actions
            subcommands = _subcommands(subcommands[word])
        elif re.match(r'--?[a-z]', word) and word.partition('=')[0] not in options:
            missing.append(word)
    return missing


def _subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return action.choices
    return {}


@pytest.fixture(scope='module')
def parser() -> argparse.ArgumentParser:
    return cli.build_parser(cli.find_commands())


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_and_options_exist(page, parser):
    wrong = {}
    for words in commands(page.read_text(encoding='utf-8')):
        if found := complaints(words, parser):
            wrong[' '.join(words)] = found
    assert wrong == {}


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


def test_the_search_sees_what_is_wrong(parser):
    text = 'As `unihpe fly --far`, or\n```bash\nunihpe demo --wings \\\n  3 && unihpe x\n```\n'
    text += '\n    unihpe export  # Ours.\n'
    assert list(commands(text)) == [['fly', '--far'], ['demo', '--wings', '3'], ['export']]
    assert complaints(['fly', '--far'], parser) == ['fly']
    assert complaints(['demo', '--wings', '3'], parser) == ['--wings']
    assert complaints(['bench', 'bag', 'a', '--limit', '-1'], parser) == ['--limit']
    assert complaints(['bench', 'bag', 'a', '--out', '-1'], parser) == []


def test_every_command_is_in_the_documentation():
    text = '\n'.join(page.read_text(encoding='utf-8') for page in PAGES)
    named = {words[0] for words in commands(text) if words}
    assert set(cli.find_commands()) <= named


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
