"""Import packages that only some features need and that may not be installed."""

from __future__ import annotations

import importlib
from types import ModuleType


class MissingPackageError(ValueError):
    """A package that a parameter asks for can't be imported."""


def require(module: str, purpose: str) -> ModuleType:
    """
    Import a package, or say which feature lacks it.

    Parameters
    ----------
    module : str
        Dotted name.
    purpose : str
        What it is needed for, in the user's words.

    Raises
    ------
    MissingPackageError
        If it can't be imported.

    """
    try:
        return importlib.import_module(module)
    # Built for another Python or message version, packages fail with more than an ImportError.
    except (ImportError, AttributeError, RuntimeError) as error:
        package = module.partition('.')[0]
        name = package.replace('_', '-')
        raise MissingPackageError(
            f'{purpose}: {package} can not be imported ({error}); expected ros-<distro>-{name} to '
            'be installed'
        ) from error
