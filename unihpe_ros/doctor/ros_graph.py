"""Report what ROS shows on this machine: middleware, camera topics and running nodes."""

from __future__ import annotations

from collections import Counter
import os
from typing import Any, TYPE_CHECKING

from unihpe_ros.bags.topics import camera_info_topic, CAMERA_INFO_TYPE, IMAGE_TYPES
from unihpe_ros.doctor.other_domains import domains_in_use, why_hidden
from unihpe_ros.doctor.section import Section
from unihpe_ros.ros.camera_info import calibration_command
from unihpe_ros.ros.start_errors import cause_of_no_ros

if TYPE_CHECKING:
    from unihpe_ros.doctor.listener import GraphListener, Heard

# More image topics would take too much of the network.
_MOST_TOPICS = 8
_LARGE_BYTES = 512 * 1024
_TWO_CLOCKS_S = 0.1
# Between its stamp and its arrival an image takes less; beyond the second, it is of a recording.
_LONG_WAY_S, _LONG_AGO_S = 1.0, 60.0
_ASSUMED = 'people are placed by an assumed field of view (flag 64); to calibrate:'


def describe_ros(image: str, seconds: float) -> Section:
    """
    Return the sections on ROS, its cameras and running nodes.

    Parameters
    ----------
    image : str
        Topic that images are expected on; empty for any.
    seconds : float
        How long to listen.

    """
    section = Section('ROS')
    try:
        from unihpe_ros.doctor.listener import GraphListener
    except (ImportError, AttributeError, RuntimeError) as error:
        section.notes.append(
            f'not here ({error}): recordings, photographs and the library work without it, the '
            "node does not; source ROS's setup file, or pip install 'unihpe_ros[ros]'"
        )
        return section
    try:
        listener = GraphListener()
    except Exception as error:  # noqa: BLE001 - rclpy's own errors have no name outside of it.
        section.faults.append(cause_of_no_ros(error))
        return section
    try:
        _look(section, listener, image, seconds)
    finally:
        listener.close()
    return section


def _look(section: Section, listener: GraphListener, image: str, seconds: float) -> None:
    section.lines.append(listener.about())
    types = listener.topics(seconds)
    images = [name for name, kind in types.items() if kind in IMAGE_TYPES]
    infos = [name for name, kind in types.items() if kind == CAMERA_INFO_TYPE]
    chosen = [image] if image in images else images[:_MOST_TOPICS]
    listener.listen([*chosen, *infos], seconds)
    working, causes = [], []
    for topic in chosen:
        heard = listener.heard.get(topic)
        if heard is None:
            # Its publisher has ended meanwhile.
            continue
        section.lines.append(f'{topic}: {heard.text()}')
        cause = heard.cause()
        causes += [f'{topic}: {cause}'] if cause else []
        working += [] if cause else [topic]
        section.notes += [f'{topic}: {note}' for note in _notes(heard, topic, types, listener)]
    if len(images) > len(chosen):
        section.lines.append(f'not listened to: {", ".join(sorted(set(images) - set(chosen)))}')
    section.lines += [f'{name}: {text}' for name, text in listener.nodes.items()]
    section.faults += [f'{name}: {text}' for name, text in listener.failures.items()]
    if not images:
        section.faults.append(
            f'no camera: nobody publishes {" or ".join(IMAGE_TYPES)} here; '
            f'{why_hidden(listener.domain, domains_in_use(), os.environ)}'
        )
    elif image and image not in images:
        section.faults.append(
            f'nobody publishes images on {image}; there are {", ".join(images)}: image:=<topic>'
        )
    elif not working:
        section.faults += causes or ['the cameras left while they were listened to']
    else:
        section.notes += causes


def _notes(heard: Heard, topic: str, types: dict[str, str], listener: GraphListener) -> list[str]:
    notes = []
    twice = [name for name, number in Counter(heard.publishers).items() if number > 1]
    if len(heard.publishers) > 1:
        who = ', '.join(twice or heard.publishers)
        notes.append(f'{len(heard.publishers)} publishers on one topic ({who}): stop all but one')
    if heard.count and not heard.stamp:
        notes.append('images have no stamp: latency is not measured, depth is matched by arrival')
    elif heard.count and heard.age < -_TWO_CLOCKS_S:
        notes.append(f'images are stamped {-heard.age:.2f} s in the future: set the clocks alike')
    elif heard.count and _LONG_WAY_S < heard.age < _LONG_AGO_S:
        notes.append(
            f'images are {heard.age:.1f} s old when they come: set the clocks alike, or look for '
            'a setting of the driver that keeps images back'
        )
    if heard.size > _LARGE_BYTES and 'fastrtps' in listener.middleware:
        notes.append(
            'images above 512 KB get lost between processes with the settings of Fast DDS: see '
            'config/fastdds.xml, or launch with large_images:=true'
        )
    known = [_Topic(name, kind) for name, kind in types.items()]
    info = camera_info_topic(known, topic)
    if not info:
        notes.append(f'no camera_info beside it: {_ASSUMED} {calibration_command(topic)}')
    elif info not in listener.heard or not listener.heard[info].count:
        notes.append(
            f'{info} is announced and nothing came: {_ASSUMED} {calibration_command(topic)}'
        )
    else:
        notes += _calibration(listener.heard[info].message, heard)
    return notes


class _Topic:
    """A topic as `camera_info_topic` wants it."""

    msgcount = 1

    def __init__(self, topic: str, msgtype: str) -> None:
        self.topic, self.msgtype = topic, msgtype


def _calibration(info: Any, heard: Heard) -> list[str]:
    from unihpe_ros.ros.camera_info import to_camera

    try:
        camera = to_camera(info, rectified=False)
    except ValueError as error:
        return [f'its calibration is not used: {error}']
    if heard.shape and heard.shape != (camera.width, camera.height):
        return [
            f'its camera_info is for {camera.width}x{camera.height}, the images are '
            f'{heard.shape[0]}x{heard.shape[1]}'
        ]
    return []
