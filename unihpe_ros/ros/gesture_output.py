"""The topic of gestures: each person's gesture, as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
import json

from rclpy.lifecycle import LifecyclePublisher
from std_msgs.msg import Header, String
from unihpe_ros.core.pose import Poses
from unihpe_ros.kinematics.gestures import GestureRecogniser, SeenGesture
from unihpe_ros.kinematics.starter_gestures import open_gallery


class GestureOutput:
    """
    Publisher of the gestures of one camera's people; computes only if they are needed.

    Parameters
    ----------
    create : Callable[[type, str], LifecyclePublisher]
        Makes a publisher of a message type and a topic.
    gallery : str
        See `unihpe_ros.kinematics.starter_gestures.open_gallery`.

    Raises
    ------
    GalleryError
        If there is no such gallery.

    """

    def __init__(self, create: Callable[[type, str], LifecyclePublisher], gallery: str) -> None:
        self._recogniser = GestureRecogniser(open_gallery(gallery))
        self._publisher = create(String, 'gestures')

    def publish(
        self, poses: Poses, header: Header, stamp: float, *, has_other_use: bool
    ) -> list[SeenGesture]:
        """
        Publish gestures, and return them.

        Parameters
        ----------
        poses : Poses
            N people in the UNION skeleton.
        header : Header
            That of their 3D.
        stamp : float
            When they were seen, s.
        has_other_use : bool
            Whether gestures are needed even if this topic has no subscriber.

        Returns
        -------
        list[SeenGesture]
            N gestures; empty if they are not needed.

        """
        is_heard = self._publisher.get_subscription_count() > 0
        if not (is_heard or has_other_use):
            return []
        ids = poses.track_ids.tolist()
        seen = self._recogniser.update(ids, poses.keypoints_3d, stamp)
        if is_heard:
            self._publisher.publish(String(data=to_json(ids, seen, header, stamp)))
        return seen


def to_json(ids: Sequence[int], seen: Sequence[SeenGesture], header: Header, stamp: float) -> str:
    """
    Write the gestures of one image.

    Parameters
    ----------
    ids : Sequence[int]
        N people.
    seen : Sequence[SeenGesture]
        N gestures.
    header : Header
        Stamp and frame.
    stamp : float
        The same stamp, s.

    Returns
    -------
    str
        `stamp` (sec, nanosec) and `people`: `person_id`, and of those who make a gesture its
        name, `confidence` from 0 at the limit to 1, and for how long, s.

    """
    people = [
        {'person_id': i, 'gesture': one.name}
        | (
            {
                'confidence': round(1 - one.distance, 3),
                'duration_s': round(stamp - one.since, 3),
            }
            if one.name
            else {}
        )
        for i, one in zip(ids, seen, strict=True)
    ]
    when = {'sec': header.stamp.sec, 'nanosec': header.stamp.nanosec}
    return json.dumps({'stamp': when, 'people': people})


def with_gestures(
    words: Mapping[int, str], ids: Sequence[int], seen: Sequence[SeenGesture]
) -> dict[int, str]:
    """Return the label of each person, with the gesture appended."""
    told = dict(words)
    for i, one in zip(ids, seen, strict=bool(seen)):
        if one.name:
            told[i] = f'{words.get(i, "")}  {one.name.replace("_", " ")}'.strip()
    return told
