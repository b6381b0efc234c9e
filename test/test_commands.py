"""Commands of README and docs are taken by the real parsers, or say which hardware they need."""

import argparse
import ast
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
import io
import re

from doc_commands import commands_in, commands_of, lines_of, PAGES, ROOT
import pytest
from unihpe_ros.cli import main as cli
from unihpe_ros.ros.camera_presets import CAMERA_PRESETS
from unihpe_ros.ros.parameters import Parameters

OURS = ('config/', 'docker/', 'docs/', 'examples/', 'experiments/', 'resource/', 'test/')
MODULES = ('venv', 'colcon', 'pytest', 'unihpe_ros.cli.main')


@cache
def parser() -> argparse.ArgumentParser:
    return cli.build_parser(cli.find_commands())


@cache
def launch_arguments() -> set[str]:
    tree = ast.parse((ROOT / 'launch/pose.launch.py').read_text(encoding='utf-8'))
    return {*_keys_of(tree, 'ARGUMENTS'), 'params_file'}


@cache
def extras() -> set[str]:
    return _keys_of(ast.parse((ROOT / 'setup.py').read_text(encoding='utf-8')), 'EXTRAS')


@cache
def executables() -> set[str]:
    setup = (ROOT / 'setup.py').read_text(encoding='utf-8')
    return set(re.findall(r"'(\w+) = unihpe_ros\.", setup))


def _keys_of(tree: ast.Module, name: str) -> set[str]:
    """Return the keys of a dictionary of a file, without running it."""
    (content,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == name
    ]
    return {key.value for key in content.keys if key is not None}


def complaints(words: Sequence[str], is_whole: bool) -> Iterator[str]:
    """Yield what is wrong with a command, if anything is."""
    program, *arguments = words
    for word in arguments:
        if word.startswith(OURS) and not _is_there(word):
            yield f'{word}: there is no such file'
    if program == 'unihpe':
        yield from _of_unihpe(arguments, is_whole)
    elif program == 'make':
        rules = (ROOT / 'Makefile').read_text(encoding='utf-8')
        targets = re.findall(r'^([a-z-]+):.*##', rules, re.MULTILINE)
        yield from (f'make: no target {word}' for word in arguments if word not in targets)
    elif program == 'ros2':
        yield from _of_ros2(arguments, is_whole)
    elif program == 'docker':
        inside = [n for n, word in enumerate(arguments) if word in ('ros2', 'unihpe')]
        yield from complaints(arguments[inside[0] :], is_whole) if inside else ()
    elif program.startswith('python'):
        yield from _of_python(arguments, is_whole)
    elif program == 'pip':
        for word in arguments:
            for extra in re.findall(r'(?:^\.|unihpe_ros.*)\[([^]]+)\]', word):
                yield from (f'no extra {n}' for n in extra.split(',') if n not in extras())


def _is_there(word: str) -> bool:
    # Models are named by the part that their two files share.
    path = ROOT / word
    return path.exists() or any(path.parent.glob(f'{path.name}.*'))


def _of_unihpe(words: Sequence[str], is_whole: bool) -> Iterator[str]:
    unknown = list(_unknown(words, parser()))
    yield from unknown
    if unknown or not is_whole:
        return
    said = io.StringIO()
    try:
        with redirect_stderr(said), redirect_stdout(io.StringIO()):
            parser().parse_args(words)
    except SystemExit as end:
        if end.code:
            yield said.getvalue().splitlines()[-1]


def _unknown(words: Sequence[str], known: argparse.ArgumentParser) -> Iterator[str]:
    """Yield subcommands and options that a parser lacks; abbreviated ones too."""
    options = dict(known._option_string_actions)
    subcommands = _subcommands(known)
    for word in words:
        if subcommands and not word.startswith('-'):
            if word not in subcommands:
                yield f'no command {word}'
                return
            options |= subcommands[word]._option_string_actions
            subcommands = _subcommands(subcommands[word])
        elif re.match(r'--?[a-z]', word) and word.partition('=')[0] not in options:
            yield f'no option {word}'


def _subcommands(known: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in known._actions:
        if isinstance(action, argparse._SubParsersAction):
            return action.choices
    return {}


def _of_ros2(words: Sequence[str], is_whole: bool) -> Iterator[str]:
    if words[1:2] != ['unihpe_ros']:
        return
    verb, _, what, *rest = words
    if verb == 'launch':
        if not (ROOT / 'launch' / what).is_file():
            yield f'no launch file {what}'
        for name, _, value in (word.partition(':=') for word in rest):
            if name not in launch_arguments():
                yield f'{what}: no argument {name}'
            elif name == 'camera' and value not in ('none', *CAMERA_PRESETS):
                yield f'{what}: no camera {value}'
    elif what == 'unihpe':
        yield from _of_unihpe(rest, is_whole)
    elif what not in executables():
        yield f'no executable {what}'
    else:
        given = [rest[n + 1].partition(':=')[0] for n, word in enumerate(rest) if word == '-p']
        names = Parameters.__dataclass_fields__
        yield from (f'{what}: no parameter {name}' for name in given if name not in names)


def _of_python(words: Sequence[str], is_whole: bool) -> Iterator[str]:
    if words[:1] == ['-m']:
        if words[1] not in MODULES:
            yield f'no module {words[1]}'
        elif words[1] == 'unihpe_ros.cli.main' and words[2:]:
            yield from _of_unihpe(words[2:], is_whole)
    elif words and words[0].startswith(OURS) and (ROOT / words[0]).is_file():
        text = (ROOT / words[0]).read_text(encoding='utf-8')
        for word in words[1:]:
            if word.startswith('--') and f"'{word.partition('=')[0]}'" not in text:
                yield f'{words[0]}: no option {word}'


def hardware_of(words: Sequence[str]) -> str:
    """Return the hardware that a command is nothing without; '' if it runs on any machine."""
    text = ' '.join(words)
    if re.search(r'\bcamera:\d|\bcameras?:=\w|/dev/video|v4l2_camera|realsense2|cameracal', text):
        return 'a camera'
    if re.search(r'\bimage:=/|ros_gz_bridge', text):
        return 'a camera'
    if re.search(r'--backend tensorrt|build-engine|test_gpu', text) and '--sm' not in text:
        return 'an NVIDIA GPU'
    return ''


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_are_accepted_as_they_are_written(page):
    wrong = [
        f'{command}: {problem}'
        for command in commands_of(page)
        for problem in complaints(command.words, command.is_whole)
    ]
    assert wrong == []


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_that_need_hardware_say_so_and_no_others(page):
    wrong = [
        f'{command}: # needs hardware: {hardware_of(command.words) or "(none)"}'
        for command in commands_of(page)
        if command.in_block and command.mark != hardware_of(command.words)
    ]
    assert wrong == []


def test_every_command_is_in_the_documentation():
    found = [command.words for page in PAGES for command in commands_of(page)]
    named = {words[1] for words in found if words[0] == 'unihpe' and len(words) > 1}
    assert set(cli.find_commands()) <= named


def found_in(text: str) -> list[tuple[int, list[str], bool]]:
    return [
        (line, list(command.words), command.in_block)
        for line, code, in_block in lines_of(text)
        for command in commands_in(code, 'page', in_block)
    ]


def test_commands_are_found_in_spans_blocks_and_yaml_with_their_lines():
    text = 'As `unihpe fly --far`, or\n```bash\nA=1 x/unihpe demo --wings \\\n  3 && make x; ls\n'
    text += 'srun unihpe run "$FILMS"/*.mp4 | python3 a.py  # A comment.\n```\n'
    text += '\n    unihpe export  # Ours.\n\n```python\nmake = 1\n```\n'
    text += '```yaml\nargs:\n  - >-\n    unihpe run a\n    --shard $((I + 1))/9\n```\n'
    assert found_in(text) == [
        (1, ['unihpe', 'fly', '--far'], False),
        (3, ['unihpe', 'demo', '--wings', '3'], True),
        (3, ['make', 'x'], True),
        (5, ['unihpe', 'run', '1/*.mp4'], True),
        (5, ['python3', 'a.py'], True),
        (8, ['unihpe', 'export'], True),
        (16, ['unihpe', 'run', 'a', '--shard', '1/9'], True),
    ]


@pytest.mark.parametrize(
    ('line', 'problem'),
    [
        ('unihpe fly --far', 'no command fly'),
        ('unihpe demo --wings 3', 'no option --wings'),
        ('unihpe run a.mp4 --vid b.mp4', 'no option --vid'),
        ('unihpe run a.mp4 --fov wide', "argument --fov: expected a number above 0; got 'wide'"),
        ('unihpe run', 'the following arguments are required: INPUT'),
        ('unihpe bench bag a --out -1', ''),
        ('make tea', 'no target tea'),
        ('ros2 launch unihpe_ros pose.launch.py kamera:=zed', 'no argument kamera'),
        ('ros2 launch unihpe_ros pose.launch.py camera:=kinect', 'no camera kinect'),
        ('ros2 run unihpe_ros pose_estimator --ros-args -p wings:=2', 'no parameter wings'),
        ('ros2 run unihpe_ros unihpe run', 'the following arguments are required: INPUT'),
        ('docker run image ros2 run unihpe_ros fly', 'no executable fly'),
        ('python experiments/fly.py', 'experiments/fly.py: there is no such file'),
        ('python experiments/malloc.py --wings', 'no option --wings'),
        ('python3 -m unihpe_ros.cli.main fly', 'no command fly'),
        ("pip install -e '.[ros,wings]'", 'no extra wings'),
    ],
)
def test_what_is_wrong_with_a_command_is_told(line, problem):
    (command,) = commands_in(line, 'page:1', True)
    told = list(complaints(command.words, command.is_whole))
    assert len(told) == bool(problem)
    assert problem in ' '.join(told)


@pytest.mark.parametrize(
    ('line', 'hardware'),
    [
        ('unihpe run camera:0  # needs hardware: a camera', 'a camera'),
        (
            'unihpe build-engine unihpe_rt  # TensorRT; needs hardware: an NVIDIA GPU',
            'an NVIDIA GPU',
        ),
        ('unihpe run walk.mp4  # needs time', ''),
    ],
)
def test_mark_of_hardware_is_one_phrase(line, hardware):
    (command,) = commands_in(line, 'page:1', True)
    assert command.mark == hardware
