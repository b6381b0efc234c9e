"""MkDocs hook that adds the pages which stand outside docs/ to the documentation site."""

import os
from pathlib import Path
import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
# File of the repository: page of the site. GitHub and ROS tools look for them where they are.
PAGES = {
    'README.md': 'index.md',
    'CONTRIBUTING.md': 'contributing.md',
    'CHANGELOG.rst': 'changelog.md',
    'docker/README.md': 'docker.md',
    'resource/models/MODEL_CARD.md': 'model_card.md',
    'resource/demo/README.md': 'demo_recording.md',
}
LINK = re.compile(r'(\]\()(?![a-z]+:|#)([^)#\s]+)')


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Return the site's files with `PAGES` among them."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding='utf-8')
        text = changelog(text) if source.endswith('.rst') else relink(text, source, page)
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: object, config: MkDocsConfig, files: Files) -> str:
    """Return a page of docs/ with its links to `PAGES` turned to where the site has them."""
    source = page.file.src_uri
    return markdown if source in PAGES.values() else relink(markdown, f'docs/{source}', source)


def relink(text: str, source: str, page: str) -> str:
    """
    Return a page's text with links that fit its place in the site.

    Parameters
    ----------
    text : str
        Markdown.
    source : str
        The page's path in the repository, which its links start from.
    page : str
        Its path in the site.

    """

    def turn(link: re.Match[str]) -> str:
        target = os.path.normpath(Path(source).parent / link[2])
        place = PAGES.get(target) or target.removeprefix('docs/')
        return link[1] + os.path.relpath(place, Path(page).parent)

    return LINK.sub(turn, text)


def changelog(text: str) -> str:
    """Return the reStructuredText of CHANGELOG.rst, which catkin tools want, as Markdown."""
    text = re.sub(r'^\^+\n(.*)\n\^+$', r'# \1', text, flags=re.MULTILINE)
    text = re.sub(r'^(.*)\n-{4,}$', r'## \1', text, flags=re.MULTILINE)
    # A list needs an empty line before it.
    return text.replace('``', '`').replace('.\n* ', '.\n\n* ', 1)
