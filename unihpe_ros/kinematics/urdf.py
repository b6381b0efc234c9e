"""A URDF of one person: the links and joints of `human_model` at that person's sizes."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree

from unihpe_ros.kinematics.human_model import Joint, JOINTS, LINKS

# Effort, N m, and velocity, rad/s, that robot_state_publisher and MoveIt require.
_EFFORT, _SPEED = 100.0, 10.0
_RADIUS = 0.03  # m, of what is drawn
_HEAD_RADIUS = 0.1
_COLOUR = '0.45 0.55 0.7 1'
# Link: how far the bone that is drawn goes on, and in which size.
_BONES = {
    'y_waist': ('torso', 1.0),
    'l_shoulder': ('upper_arm', -1.0),
    'r_shoulder': ('upper_arm', -1.0),
    'l_elbow': ('forearm', -1.0),
    'r_elbow': ('forearm', -1.0),
    'l_hip': ('thigh', -1.0),
    'r_hip': ('thigh', -1.0),
    'l_knee': ('shin', -1.0),
    'r_knee': ('shin', -1.0),
}


def human_urdf(person: str, sizes: Mapping[str, float], prefix: str = '') -> str:
    """
    Return the URDF of a person.

    Parameters
    ----------
    person : str
        The id that ends the name of each link and joint.
    sizes : Mapping[str, float]
        m for each of `human_model.BODY_SIZES`.
    prefix : str
        Text before the name of each link, as before the TF frames.

    """
    robot = ElementTree.Element('robot', name=f'human_{person}')
    for link in LINKS:
        _add_link(robot, link, f'{prefix}{link}_{person}', sizes)
    for joint in JOINTS:
        _add_joint(robot, joint, person, sizes, prefix)
    ElementTree.indent(robot)
    return ElementTree.tostring(robot, encoding='unicode') + '\n'


def _add_link(
    robot: ElementTree.Element, link: str, name: str, sizes: Mapping[str, float]
) -> None:
    element = ElementTree.SubElement(robot, 'link', name=name)
    if link == 'head':
        _draw(element, 'sphere', (0.0, 0.0, 0.0), radius=f'{_HEAD_RADIUS:.3f}')
    elif link in _BONES:
        size, way = _BONES[link]
        length = sizes[size]
        place = (0.0, 0.0, 0.5 * way * length)
        _draw(element, 'cylinder', place, radius=f'{_RADIUS:.3f}', length=f'{length:.4f}')


def _draw(
    link: ElementTree.Element, shape: str, place: tuple[float, float, float], **measures: str
) -> None:
    visual = ElementTree.SubElement(link, 'visual')
    ElementTree.SubElement(visual, 'origin', xyz=_text(place), rpy='0 0 0')
    ElementTree.SubElement(ElementTree.SubElement(visual, 'geometry'), shape, dict(measures))
    material = ElementTree.SubElement(visual, 'material', name='person')
    ElementTree.SubElement(material, 'color', rgba=_COLOUR)


def _add_joint(
    robot: ElementTree.Element, joint: Joint, person: str, sizes: Mapping[str, float], prefix: str
) -> None:
    kind = 'fixed' if joint.is_fixed else 'revolute'
    element = ElementTree.SubElement(robot, 'joint', name=f'{joint.name}_{person}', type=kind)
    ElementTree.SubElement(element, 'parent', link=f'{prefix}{joint.parent}_{person}')
    ElementTree.SubElement(element, 'child', link=f'{prefix}{joint.link}_{person}')
    ElementTree.SubElement(element, 'origin', xyz=_text(joint.step(sizes)), rpy='0 0 0')
    if not joint.is_fixed:
        lower, upper = joint.limits
        ElementTree.SubElement(element, 'axis', xyz=_text(joint.axis))
        limits = {'lower': lower, 'upper': upper, 'effort': _EFFORT, 'velocity': _SPEED}
        ElementTree.SubElement(element, 'limit', {k: f'{v:.4f}' for k, v in limits.items()})


def _text(vector: tuple[float, float, float]) -> str:
    return ' '.join(f'{value:.4f}' for value in vector)
