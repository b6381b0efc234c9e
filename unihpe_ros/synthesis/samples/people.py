"""Dressed and posed people as meshes with keypoints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.synthesis.body.balance import Balance
from unihpe_ros.synthesis.body.body_shapes import BodyShapes
from unihpe_ros.synthesis.body.contact import Contact
from unihpe_ros.synthesis.body.poser import Poser
from unihpe_ros.synthesis.body.skinning import skin_vertices, vertex_normals
from unihpe_ros.synthesis.body.topology import BODY
from unihpe_ros.synthesis.clothing.tailor import Dressed, Tailor
from unihpe_ros.synthesis.motion.hands import Hands
from unihpe_ros.synthesis.motion.motion_bank import MotionBank
from unihpe_ros.synthesis.primitives.scene_types import BodyPosture, Mesh
from unihpe_ros.synthesis.samples.held_objects import Palms
from unihpe_ros.synthesis.samples.labels import union_keypoints

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class PosedFigure:
    """
    A dressed and posed person: mesh and keypoints in the world.

    Parameters
    ----------
    mesh : Mesh
        Its surfaces in the world.
    keypoints : Float32
        ``(26, 3)`` In the world, m.
    body : Float32
        ``(13380, 3)`` The bare body's vertices, for boxes and for finding the floor.
    palms : Float32
        ``(2, 4, 3)`` Where the left and the right hand are, see Palms.

    """

    mesh: Mesh
    keypoints: Float32
    body: Float32
    palms: Float32

    @property
    def heading(self) -> float:
        """Where the hips face, rad; 0 is towards -y."""
        left, right = self.keypoints[UNION.indices('left_hip_joint', 'right_hip_joint')]
        return float(np.arctan2(left[1] - right[1], left[0] - right[0]))

    def move(self, shift: NDArray[np.floating]) -> None:
        """Shift the person by ``(3,)`` m, in place."""
        # The body is a part of the mesh's vertices.
        self.mesh.vertices[:] += shift.astype(np.float32)
        self.keypoints[:] += shift.astype(np.float32)
        self.palms[:] += shift.astype(np.float32)


class PeopleAssets:
    """
    Body shapes, motion bank and all that turns them into dressed, posed people.

    Parameters
    ----------
    bodies : BodyShapes
        The shapes.
    bank : MotionBank
        The poses.
    shapes : NDArray[np.intp]
        ``(S,)`` Which of the shapes to use.

    """

    def __init__(self, bodies: BodyShapes, bank: MotionBank, shapes: NDArray[np.intp]) -> None:
        self.bodies = bodies
        self.bank = bank
        self.shapes = shapes
        self.poser = Poser(bodies, bank)
        self.contact = Contact(bodies, self.poser)
        self.balance = Balance(bodies, self.poser)
        self.tailor = Tailor(bodies)
        self.hands = Hands(bodies.rig)
        self.palms = Palms(bodies)

    def pose(self, dressed: Dressed, posture: BodyPosture, spread: Float32) -> PosedFigure:
        """
        Return a dressed body in a posture.

        Parameters
        ----------
        dressed : Dressed
            The body in its clothes.
        posture : BodyPosture
            How it stands.
        spread : Float32
            ``(2, 5, 3)`` Differences between the fingers, 0 to 1.

        Returns
        -------
        PosedFigure
            The person in the world.

        """
        bodies, tailor = self.bodies, self.tailor
        turned = self.poser.rotations(dressed.shape, posture.clip, posture.driven)
        self.hands.curl(turned, bodies.heads[dressed.shape], posture.curl, spread)
        joints, shifts = self.poser.motions(dressed.shape, turned, posture.root)
        vertices = skin_vertices(dressed.rest, tailor.weights, tailor.weight_bones, turned, shifts)
        mesh = Mesh(
            vertices=vertices,
            normals=vertex_normals(vertices, dressed.faces),
            texture=tailor.region.position,
            colours=dressed.colours,
            faces=dressed.faces,
            cover=dressed.cover,
            face_materials=dressed.face_materials,
            materials=dressed.materials,
        )
        keypoints = union_keypoints(
            bodies, vertices[bodies.keypoint_vertices], vertices[bodies.crown], joints
        )
        body = vertices[BODY]
        return PosedFigure(mesh, keypoints, body, self.palms.of(body, joints))
