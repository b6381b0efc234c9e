import argparse
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from unihpe_ros import __version__
from unihpe_ros.cli import main as cli


class SomeError(Exception):
    """Stands for EngineError and its like: an error type that the package defines."""


SomeError.__module__ = 'unihpe_ros.somewhere'


def run_with(monkeypatch, outcome) -> int:
    """Run a subcommand `try-it` that returns or raises the outcome."""

    def add_parser(subparsers: argparse._SubParsersAction) -> None:
        subparsers.add_parser('try-it')

    def run(args: argparse.Namespace) -> int:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    command = SimpleNamespace(add_parser=add_parser, run=run)
    monkeypatch.setattr(cli, 'find_commands', lambda: {'try-it': command})
    return cli.main(['try-it'])


def test_help_needs_no_heavy_imports():
    program = (
        'import sys\n'
        'from unihpe_ros.cli.main import build_parser, find_commands\n'
        'build_parser(find_commands()).format_help()\n'
        "print(sorted({'torch', 'rclpy', 'cv2', 'numpy', 'onnxruntime'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ('[]\n', '')


def test_every_subcommand_has_help_and_describes_itself(capsys):
    commands = cli.find_commands()
    help_text = cli.build_parser(commands).format_help()
    for name in commands:
        with pytest.raises(SystemExit) as stopped:
            cli.main([name, '--help'])
        assert stopped.value.code == 0
        assert f'usage: unihpe {name}' in capsys.readouterr().out
        described = re.search(rf'^    {name}\s', help_text, re.MULTILINE)
        assert described, f'{name}: add_parser gives no help line'


def test_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(['--version'])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f'unihpe {__version__}\n'


def test_no_or_unknown_subcommand_is_a_usage_error(capsys):
    for arguments in ([], ['fly']):
        with pytest.raises(SystemExit) as stopped:
            cli.main(arguments)
        assert stopped.value.code == 2
        assert 'usage: unihpe' in capsys.readouterr().err


@pytest.mark.parametrize('status', [0, 3])
def test_status_of_the_subcommand_is_passed_on(monkeypatch, status):
    assert run_with(monkeypatch, status) == status


@pytest.mark.parametrize(
    ('error', 'line'),
    [
        (SomeError('pose.onnx: expected\n  simcc_x'), 'pose.onnx: expected simcc_x'),
        (ValueError('boxes: expected (N, 4)'), 'boxes: expected (N, 4)'),
        (FileNotFoundError(2, 'No such file', 'a.mp4'), "[Errno 2] No such file: 'a.mp4'"),
        (ValueError(), 'ValueError'),
        (
            ModuleNotFoundError('No module', name='torch.nn'),
            "torch is not installed: pip install 'unihpe_ros[train]'",
        ),
    ],
)
def test_expected_errors_become_one_line(monkeypatch, capsys, error, line):
    assert run_with(monkeypatch, error) == 1
    assert capsys.readouterr().err == f'unihpe try-it: error: {line}\n'


def test_interrupt_is_reported_as_a_shell_does(monkeypatch, capsys):
    assert run_with(monkeypatch, KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == 'unihpe try-it: interrupted\n'


@pytest.mark.parametrize(
    'fault', [KeyError('bug'), ModuleNotFoundError('No module', name='unihpe_ros.typo')]
)
def test_faults_of_the_program_keep_their_traceback(monkeypatch, fault):
    with pytest.raises(type(fault)):
        run_with(monkeypatch, fault)
