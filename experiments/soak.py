"""
Watch the memory of the estimator over many images, faster than a camera takes them.

    PYTHONPATH=. python experiments/soak.py --images 30000

People come, walk and leave; the tests' model of constants stands in for the network, so that what
grows is ours. Printed are resident memory, what Python holds, and how both grow for each thousand
images in the second half: in the first, buffers get their size.
"""

from __future__ import annotations

import argparse
import gc
from pathlib import Path
import sys
import tempfile
import tracemalloc

import numpy as np
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.process_memory import resident_mb
from unihpe_ros.estimator import EstimatorSettings

sys.path.append(str(Path(__file__).resolve().parents[1] / 'test/helpers'))
from tiny_estimator import tiny_estimator
from tiny_model import paint_person, person_box, write_tiny_model

SIZE, PERIOD = (320, 240), 240
SAMPLES = 20


def picture(number: int) -> np.ndarray:
    """Return two people who walk through the picture, and sometimes are not there."""
    image = np.full((SIZE[1], SIZE[0], 3), 40, np.uint8)
    for person in range(2):
        share = (number / PERIOD + 0.5 * person) % 1.3
        if share < 1:
            paint_person(image, person_box(40 + 240 * share, 120, 150))
    return image


def main() -> None:
    """Print memory as it goes, and its slope."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--images', type=int, default=30000, help='how many (default: 30000)')
    parser.add_argument(
        '--trace', action='store_true', help='what Python holds, at 4 times the time'
    )
    args = parser.parse_args()
    camera, pictures = Camera.from_fov(*SIZE, 1.0), [picture(n) for n in range(PERIOD * 13 // 10)]
    with tempfile.TemporaryDirectory() as folder:
        model = write_tiny_model(Path(folder), input_size=(36, 48))
        estimator = tiny_estimator(model, EstimatorSettings(max_people=4), threads=1)
        if args.trace:
            tracemalloc.start()
        rows = []
        print('images | resident MB | held by Python MB\n---|---|---')
        for number in range(args.images + 1):
            estimator.estimate(pictures[number % len(pictures)], camera, number / 30)
            if number % max(args.images // SAMPLES, 1) == 0:
                gc.collect()
                held = tracemalloc.get_traced_memory()[0] / 1e6
                rows.append((number, resident_mb(), held))
                print(f'{number} | {rows[-1][1]:.2f} | {held:.3f}', flush=True)
        estimator.close()
    late = np.array(rows[len(rows) // 2 :])
    for column, name in ((1, 'resident'), (2, 'held by Python')):
        slope = np.polyfit(late[:, 0], late[:, column], 1)[0]
        print(f'{name}: {1e6 * slope:+.2f} kB for each thousand images in the second half')


if __name__ == '__main__':
    main()
