"""What the options of the commands say, and what they refuse before anything is done."""

import argparse
from collections.abc import Iterator
from pathlib import Path
import re

import pytest
from unihpe_ros.cli import main as cli

# What has no default, is no number and needs no unit.
PLAIN = (argparse._HelpAction, argparse._StoreTrueAction, argparse._SubParsersAction)


def parsers(
    parser: argparse.ArgumentParser,
) -> Iterator[tuple[argparse.ArgumentParser, list[argparse.Action]]]:
    yield parser, parser._actions
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from parsers(child)


def options() -> Iterator[tuple[str, argparse.Action]]:
    for parser, actions in parsers(cli.build_parser(cli.find_commands())):
        for action in actions:
            name = action.option_strings[-1] if action.option_strings else action.dest
            yield f'{parser.prog} {name}', action


def test_every_option_says_what_it_is_and_what_its_default_is() -> None:
    silent = [name for name, action in options() if not action.help]
    assert [name for name in silent if not name.endswith('command')] == []
    untold = [
        name
        for name, action in options()
        if action.default not in (None, False, '', argparse.SUPPRESS, [])
        and not isinstance(action, PLAIN)
        and '(default: ' not in str(action.help)
    ]
    assert untold == []


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        ('render --count 0', "--count: expected a whole number of 1 or more; got '0'"),
        ('render --count many', "--count: expected a whole number of 1 or more; got 'many'"),
        ('render --workers -1', "--workers: expected a whole number of 1 or more; got '-1'"),
        ('render --seed -1', "--seed: expected a whole number of 0 or more; got '-1'"),
        ('render --rate 0', "--rate: expected a number above 0; got '0'"),
        ('render --rate inf', "--rate: expected a number above 0; got 'inf'"),
        ('render --rate fast', "--rate: expected a number above 0; got 'fast'"),
        ('render --varied 1.5', "--varied: expected a number from 0 to 1; got '1.5'"),
        ('render --size 0x0', "from 32 to 9999, such as 144x192; got '0x0'"),
        ('render --size big', "from 32 to 9999, such as 144x192; got 'big'"),
        ('render --shard 4/4', '--shard: expected I/N with I from 0 to N - 1, such as 0/4; got'),
        ('render --shapes-per-pose 0', '--shapes-per-pose: expected a whole number of 1 or more'),
        ('render --preview 0', '--preview: expected a whole number of 1 or more'),
        ('bench node --seconds 0', '--seconds: expected a number above 0'),
        ('bench node --fps nan', '--fps: expected a number above 0'),
        ('bench node --people 0', '--people: expected a whole number of 1 or more'),
        ('bench node --soak -1', '--soak: expected a whole number of 0 or more'),
        ('bench engine --calls 0', '--calls: expected a whole number of 1 or more'),
        ('bench engine --parity -1', '--parity: expected a whole number of 0 or more'),
        ('bench tracking --seconds -3', '--seconds: expected a number above 0'),
        ('bench tracking --sequences 0', '--sequences: expected a whole number of 1 or more'),
        ('build-engine m --max-people 0', '--max-people: expected a whole number of 1 or more'),
        ('demo --camera -1', '--camera: expected a whole number of 0 or more'),
    ],
)
def test_numbers_that_make_no_sense_are_refused(arguments: str, words: str, capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments.split())
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    'arguments',
    [
        'render --motions {here}',
        'bench bag {here}',
        'bench engine',
        'bench node',
        'bench tracking',
        'build-engine unihpe_rt',
        'demo',
        'evaluate unihpe_rt --data {here}',
    ],
)
def test_a_file_in_place_of_the_folder_is_refused_before_any_work(
    arguments: str, tmp_path: Path, capsys
) -> None:
    (tmp_path / 'file').write_text('mine')
    for out in ('file', 'file/below'):
        command = [*arguments.format(here=tmp_path).split(), '--out', str(tmp_path / out)]
        assert cli.main(command) == 1
        said = capsys.readouterr()
        assert said.out == ''
        (line,) = said.err.splitlines()
        assert re.search(rf'{out}: expected a folder to write to; .*file is a file', line)
    assert (tmp_path / 'file').read_text() == 'mine'
