"""Drawing of the rooms of the package and of what they may import."""

from __future__ import annotations

from collections.abc import Mapping

from drawing.svg import Box, Picture

# Modules that users import, drawn as one room.
API = 'public API'
API_MODULES = (
    *('estimator', 'estimator_networks', 'image_batch', 'camera_stream', 'lifting'),
    *('newcomers', 'detector', 'detector_thread'),
    *('whole_pictures', 'image_sequence', 'crop_observations'),
)
# Room: colours and place.
PLACES: dict[str, tuple[str, Box]] = {
    'cli': ('spine', Box(32, 72, 1136, 62)),
    'run': ('runtime', Box(800, 170, 166, 66)),
    'doctor': ('runtime', Box(980, 170, 188, 66)),
    'bench': ('measure', Box(428, 170, 328, 66)),
    'node_trial': ('measure', Box(428, 276, 328, 66)),
    'bags': ('measure', Box(800, 276, 180, 66)),
    'training': ('offline', Box(32, 390, 352, 82)),
    'web': ('runtime', Box(599, 390, 157, 82)),
    'ros': ('runtime', Box(800, 390, 180, 82)),
    'evaluation': ('offline', Box(32, 532, 352, 106)),
    'kinematics': ('runtime', Box(428, 532, 157, 106)),
    API: ('runtime', Box(800, 532, 222, 106)),
    'networks_2d': ('runtime', Box(1034, 532, 134, 106)),
    'synthesis': ('offline', Box(32, 706, 126, 132)),
    'datasets': ('offline', Box(168, 706, 116, 132)),
    'models': ('offline', Box(294, 706, 90, 132)),
    'metrics': ('measure', Box(428, 706, 157, 132)),
    'visualisation': ('measure', Box(599, 706, 157, 132)),
    'tracking': ('runtime', Box(800, 706, 177, 132)),
    'engines': ('runtime', Box(991, 706, 177, 132)),
    'core': ('spine', Box(32, 916, 1136, 70)),
}
# Where the columns of the legend begin, px.
_COLUMNS = (32, 428, 800)
WORDS = {
    'cli': 'The command unihpe, one file per subcommand. May import every room.',
    'run': 'Videos to files.',
    'doctor': 'Finds what is wrong.',
    'bench': 'Benchmarks, one folder for each.',
    'node_trial': 'The node in its own process, measured.',
    'bags': 'ROS recordings.',
    'training': 'The loop and the losses; detection/ for the detector, study/ for comparisons.',
    'web': 'A page in the browser.',
    'ros': 'The node: topics, parameters, messages.',
    'evaluation': 'Scores of a trained model on data sets: predictions, protocols, reports.',
    API: 'Image in, people out.',
    'networks_2d': '2D networks of other makers.',
    'synthesis': 'Motion clips to labelled pictures of people.',
    'datasets': 'Readers of data sets; batches.',
    'models': 'Networks in PyTorch; ONNX export.',
    'kinematics': 'Joint angles, URDF, posture, gestures.',
    'metrics': 'OKS, MPJPE, PCK, average precision, id switches.',
    'visualisation': 'Skeletons drawn into images, floor plan, video.',
    'tracking': 'Ids, smoothing, bone lengths, position in the room.',
    'engines': 'ONNX Runtime, OpenVINO, TensorRT; CUDA kernels; cache.',
    'core': 'Geometry, lenses, crops, skeletons, SimCC, what a model file says about itself. '
    'NumPy, SciPy and OpenCV only. Every room may import it.',
}
# Free columns for lines that go past other rooms, px.
CHANNELS = (406.0, 784.0, 987.0)

Edges = dict[str, dict[str, bool]]
Point = tuple[float, float]


def room_edges(layers: Mapping[str, tuple[set[str], set[str]]]) -> Edges:
    """
    Return which room may import which, without what follows from other imports.

    Parameters
    ----------
    layers : Mapping[str, tuple[set[str], set[str]]]
        LAYERS of test/test_layers.py; entries of single files and of the
        package itself are left out.

    Returns
    -------
    Edges
        For each room those it may import; True where it may import all of it, False where
        single modules only. core is left out: everybody may import it.

    """
    edges: Edges = {}
    for layer, (ours, _) in layers.items():
        # What the package itself names is imported when somebody asks for it.
        if '/' in layer or layer == '__init__':
            continue
        known = edges.setdefault(API if layer in API_MODULES else layer, {})
        for name in sorted(ours):  # Of a set: lines are laid in a settled order.
            room, _, part = name.partition('.')
            room = API if room in API_MODULES else room
            known[room] = known.get(room, False) or not part
    for room, known in edges.items():
        known.pop('core', None)
        known.pop(room, None)
    return {room: _direct(room, edges) for room in edges}


def _direct(room: str, edges: Edges) -> dict[str, bool]:
    """Return the imports of a room that no other of its imports brings along."""
    brought: set[str] = set()
    for other, whole in edges[room].items():
        brought |= _reached(other, edges) if whole else set()
    return {other: whole for other, whole in edges[room].items() if other not in brought}


def _reached(room: str, edges: Edges) -> set[str]:
    """Return the rooms that a room imports by way of others."""
    found: set[str] = set()
    for other, whole in edges[room].items():
        found |= {other} | (_reached(other, edges) if whole else set())
    return found


def draw_rooms(layers: Mapping[str, tuple[set[str], set[str]]]) -> str:
    """Return the SVG of the rooms and of what they may import."""
    edges = room_edges(layers)
    rooms = {*edges, 'cli'}
    if rooms != set(PLACES):
        raise ValueError(f'PLACES: expected the layers {sorted(rooms)}; got {sorted(PLACES)}')
    picture = Picture(1200, 1078, 'The rooms of unihpe_ros and what they may import')
    picture.write(32, 46, 'The rooms of unihpe_ros', size=24, bold=True)
    _explain(picture)
    _hand_over(picture)
    routes = _Routes()
    for room in sorted(edges, key=lambda name: (PLACES[name][1].y, PLACES[name][1].x)):
        whole = [other for other in edges[room] if edges[room][other]]
        for other in sorted(whole, key=lambda name: PLACES[name][1].x):
            picture.arrow(routes.way(room, other))
    for name, (kind, box) in PLACES.items():
        if name == API:
            picture.card(box, kind, API, WORDS[name], mono=False)
            for row, line in enumerate(('estimator.py  detector.py', 'camera_stream.py ...')):
                picture.write(box.x + 12, box.y + 72 + 22 * row, line, size=13.5, mono=True)
        else:
            picture.card(box, kind, name if name == 'cli' else f'{name}/', WORDS[name])
    return picture.text


def _explain(picture: Picture) -> None:
    """Write how to read the picture of the rooms."""
    colours = [
        ('offline', 'offline: makes the models'),
        ('measure', 'measures and shows'),
        ('runtime', 'runtime: runs on the robot'),
    ]
    for x, (kind, words) in zip(_COLUMNS, colours, strict=True):
        picture.panel(Box(x, 1012, 18, 18), kind, radius=4)
        picture.write(x + 38, 1026, words)
    left, middle, right = _COLUMNS
    picture.arrow([(left, 1050), (left + 28, 1050)])
    picture.write(left + 38, 1055, 'may import, also what the other may import')
    picture.write(middle, 1055, '(not drawn: imports of single modules)')
    picture.ribbon([(right + 2, 1050), (right + 26, 1050)], '#d9822b')
    picture.write(right + 38, 1055, 'a file that is handed over')


def _hand_over(picture: Picture) -> None:
    """Draw the model file that goes from the offline arm to the runtime arm."""
    models, engines = PLACES['models'][1], PLACES['engines'][1]
    y = 878
    ends = [(models.middle, models.bottom + 8), (models.middle, y)]
    picture.ribbon([*ends, (engines.middle, y), (engines.middle, engines.bottom + 8)], '#d9822b')
    label = Box(428, y - 17, 328, 34)
    picture.panel(label, 'plain', radius=17)
    words = 'ONNX files that describe themselves'
    picture.write(label.middle, y + 5, words, size=15, bold=True, anchor='middle')


class _Routes:
    """Lines from room to room that keep clear of the rooms and of each other."""

    def __init__(self) -> None:
        self._taken: set[tuple[float, str]] = set()
        self._lanes: dict[float, int] = {}
        self._channels: dict[float, int] = {}

    def way(self, start: str, end: str) -> list[Point]:
        """Return the corners of the line between two rooms."""
        a, b = PLACES[start][1], PLACES[end][1]
        if a.y == b.y:
            y = a.y + a.h / 2
            return [(a.right, y), (b.x - 2, y)] if a.x < b.x else [(a.x, y), (b.right + 2, y)]
        low, high = max(a.x, b.x) + 20, min(a.right, b.right) - 20
        if low <= high and not _blocked(b.middle if low <= b.middle <= high else low, a, b):
            x = b.middle if low <= b.middle <= high else (low + high) / 2
            x = self._port(x, end)
            return [(x, a.bottom), (x, b.y - 2)]
        if a.right == b.right:  # Round the outside.
            x = a.right + 16
            return [
                (a.right, a.y + a.h / 2),
                (x, a.y + a.h / 2),
                (x, b.y + 30),
                (b.right + 2, b.y + 30),
            ]
        return self._elbow(a, b, end)

    def _elbow(self, a: Box, b: Box, end: str) -> list[Point]:
        """Return a way down a free column, or straight down to above the other room."""
        left = b.middle < a.middle
        start = a.x + 24 if left else a.right - 24
        port = self._port(b.middle, end, -1 if not left else 1)
        lane = self._lane(b.y)
        if not _blocked(start, a, b):
            return [(start, a.bottom), (start, lane), (port, lane), (port, b.y - 2)]
        channel = min(CHANNELS, key=lambda x: abs(x - start) + abs(x - port))
        used = self._channels.setdefault(channel, 0)
        self._channels[channel] += 1
        x, upper = channel + 7 * used, a.bottom + 14 + 7 * used
        corners = [(start, a.bottom), (start, upper), (x, upper), (x, lane), (port, lane)]
        return [*corners, (port, b.y - 2)]

    def _port(self, x: float, end: str, side: int = 1) -> float:
        """Return the free place nearest to x at a room's upper edge."""
        while (x, end) in self._taken:
            x += 28 * side
        self._taken.add((x, end))
        return x

    def _lane(self, y: float) -> float:
        """Return the height of a free horizontal above a row of rooms."""
        self._lanes[y] = self._lanes.get(y, 0) + 1
        return y - 14 - 10 * self._lanes[y]


def _blocked(x: float, a: Box, b: Box) -> bool:
    """Whether a room is in the way of a vertical at x from a down to b."""
    return any(
        box.x - 4 < x < box.right + 4
        and a.bottom < box.bottom
        and box.y < b.y
        and box not in (a, b)
        for _, box in PLACES.values()
    )
