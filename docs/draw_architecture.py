"""
Draws the pictures of docs/architecture.md from the code: the rooms, and the way of one image.

    python docs/draw_architecture.py

The rooms and their imports are the table of test/test_layers.py. test/test_architecture.py tells
when a picture is out of date.

"""

from collections.abc import Mapping
from pathlib import Path
import sys

from drawing.image_path import draw_image_path
from drawing.rooms import draw_rooms

ROOT = Path(__file__).resolve().parents[1]


def pictures() -> Mapping[Path, str]:
    """Return the text of each picture by its file."""
    sys.path.append(str(ROOT / 'test'))
    from test_layers import LAYERS

    folder = ROOT / 'docs' / 'architecture'
    return {
        folder / 'rooms.svg': draw_rooms(LAYERS),
        folder / 'image_path.svg': draw_image_path(ROOT / 'unihpe_ros'),
    }


if __name__ == '__main__':
    for path, text in pictures().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding='utf-8')
