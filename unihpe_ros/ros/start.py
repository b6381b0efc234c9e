"""The executable `pose_estimator`; it handles SIGINT and SIGTERM while modules are imported."""

from __future__ import annotations

import os
import signal


def main() -> int:
    """Run the node until SIGINT or SIGTERM; return the exit status."""
    # Used during the imports, which take about a second, until the node has its own handlers.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    from unihpe_ros.ros.spin import main

    return main()
