"""The licensed data sets in miniature: made-up poses in files of exactly the published formats."""

import json
from pathlib import Path
import pickle
import struct
from typing import ClassVar

import cv2
import h5py
import numpy as np
from scipy.io import savemat
from scipy.spatial.transform import Rotation
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.datasets.human36m_cameras import CAMERA_IDS

K = np.array([[1145.0, 0, 512.5], [0, 1144.0, 515.5], [0, 0, 1]])
DISTORTION = [-0.2, 0.24, -0.001, -0.0014, -0.003]
MOVING = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
OF_28 = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]


def poses(count: int, joints: int, seed: int = 0) -> np.ndarray:
    """Return ``(count, joints, 3)`` upright bundles of points around the origin, m."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (count, joints, 3)) * [0.3, 0.8, 0.3]


def write_pose_bank(path: Path, rng: np.random.Generator | None = None) -> None:
    """Write 16 poses of one person who hardly moves, as `unihpe render --poses-only` does."""
    rng = rng or np.random.default_rng(0)
    positions = rng.normal(0, 0.3, (1, 26, 3)) + rng.normal(0, 0.05, (16, 26, 3)) + [0, 0, 1]
    keypoints = np.array(UNION.keypoints)
    np.savez(path, positions=positions.astype(np.float32), keypoints=keypoints)


def write_picture(path: Path, size: tuple[int, int], level: int = 128) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((size[1], size[0], 3), level, np.uint8))


def write_cameras(folder: Path) -> dict:
    """Write camera-parameters.json: cameras 5 m away on four sides; returns what it holds."""
    extrinsics = {}
    for subject in ('S1', 'S5', 'S6', 'S7', 'S8', 'S9', 'S11'):
        extrinsics[subject] = {
            camera: {
                'R': Rotation.from_euler('y', 90 * number, degrees=True).as_matrix().tolist(),
                't': [[0.0], [0.0], [5000.0]],
            }
            for number, camera in enumerate(CAMERA_IDS)
        }
    intrinsic = {'calibration_matrix': K.tolist(), 'distortion': DISTORTION}
    table = {'intrinsics': dict.fromkeys(CAMERA_IDS, intrinsic), 'extrinsics': extrinsics}
    (folder / 'camera-parameters.json').write_text(json.dumps(table))
    return table


def project(points: np.ndarray, view: dict) -> np.ndarray:
    """Project ``(F, J, 3)`` world points, m, by OpenCV, with distortion."""
    rotation, shift = np.array(view['R']), np.array(view['t']) / 1000
    turned = points @ rotation.T + shift[:, 0]
    flat = turned.reshape(-1, 1, 3)
    pixels = cv2.projectPoints(flat, np.zeros(3), np.zeros(3), K, np.array(DISTORTION))[0]
    return pixels.reshape(*points.shape[:2], 2).astype(np.float32)


def write_h36m_poses(
    folder: Path, frames: int = 3, actions: tuple[str, ...] = ('Directions', 'Photo 1')
) -> dict:
    """Write VideoPose3D's files of S9 and S11; returns the world positions."""
    folder.mkdir(parents=True, exist_ok=True)
    table = write_cameras(folder)['extrinsics']
    world, seen = {}, {}
    for number, subject in enumerate(('S9', 'S11')):
        world[subject], seen[subject] = {}, {}
        for offset, action in enumerate(actions):
            points = poses(frames, 32, 10 * number + offset).astype(np.float32)
            world[subject][action] = points
            # The 2D recordings are a frame longer.
            longer = np.concatenate([points, points[-1:]])[:, MOVING]
            views = [project(longer, table[subject][camera]) for camera in CAMERA_IDS]
            seen[subject][action] = views
    np.savez_compressed(folder / 'data_3d_h36m.npz', positions_3d=world)
    np.savez_compressed(
        folder / 'data_2d_h36m_gt.npz',
        positions_2d=seen,
        metadata={'layout_name': 'h36m', 'num_joints': 17},
    )
    return world


def write_h36m_images(folder: Path, split: str = 'test', pictures: bool = True) -> dict:
    """Write MMPose's annotation_body3d with a picture per row; returns the arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    view = write_cameras(folder)['extrinsics']['S9'][CAMERA_IDS[0]]
    names = [
        f'{base[: base.index("_")]}/{base}/{base}_{number:06d}.jpg'
        for base in (
            'S9_Directions_1.54138969',
            'S9_WalkingDog.54138969',
            'S11_Directions.54138969',
        )
        for number in (1, 6)
    ]
    points = poses(len(names), 17, 5).astype(np.float32)
    part = project(points, view)
    low, high = part.min(1), part.max(1)
    ones = np.ones((len(names), 17, 1))
    arrays = {
        'imgname': np.array(names),
        'center': 0.5 * (low + high),
        'scale': 1.2 * (high - low).max(1) / 200,
        'part': np.concatenate([part, ones], -1),
        'S': np.concatenate([points + [0, 0, 5], ones], -1),
    }
    path = folder / 'annotation_body3d/fps10' / f'h36m_{split}.npz'
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    for name in names if pictures else ():
        write_picture(folder / 'images' / name, (1000, 1002))
    return arrays


class Python2Pickler(pickle._Pickler):
    """Writes bytes and text as Python 2 wrote `str`: 3DPW's files come from there."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_string(self, value) -> None:
        data = value if isinstance(value, bytes) else value.encode('latin1')
        self.write(pickle.BINSTRING + struct.pack('<I', len(data)) + data)
        self.memoize(value)

    dispatch[bytes] = save_string
    dispatch[str] = save_string


def write_pw3d(folder: Path, people: int = 2, frames: int = 4, pictures: bool = True) -> dict:
    """Write one sequence of 3DPW's test split; returns what the .pkl holds."""
    camera = np.eye(4)
    camera[:3, :3] = Rotation.from_euler('y', 30, degrees=True).as_matrix()
    camera[:3, 3] = [0.1, 0, 4]
    valid = np.ones(frames, int)
    valid[1] = 0
    stored = {
        'sequence': 'downtown_walking_00',
        'jointPositions': [
            poses(frames, 24, person).reshape(frames, 72) for person in range(people)
        ],
        'cam_poses': np.repeat(camera[None], frames, 0),
        'campose_valid': [valid] + [np.ones(frames, int)] * (people - 1),
        'cam_intrinsics': np.array([[600.0, 0, 160], [0, 600, 120], [0, 0, 1]]),
        'genders': ['m', 'f'][:people],
        'poses2d': [np.zeros((frames, 3, 18))] * people,
        'img_frame_ids': np.arange(0, 2 * frames, 2),
    }
    path = folder / 'sequenceFiles/test/downtown_walking_00.pkl'
    path.parent.mkdir(parents=True)
    with path.open('wb') as file:
        Python2Pickler(file, protocol=2).dump(stored)
    for frame in range(frames) if pictures else ():
        name = f'imageFiles/downtown_walking_00/image_{frame:05d}.jpg'
        write_picture(folder / name, (320, 240), 40 * frame)
    return stored


def write_3dhp_train(folder: Path, frames: int = 2) -> np.ndarray:
    """Write S1/Seq1 with nine cameras and the pictures of the first; returns annot3, mm."""
    points = poses(frames, 28, 3) * 1000 + [0, 0, 4000]
    pixels = points[..., :2] / points[..., 2:] * 1500 + 1024
    cells = {name: np.empty((9, 1), object) for name in ('annot2', 'annot3', 'univ_annot3')}
    for number in range(9):
        cells['annot2'][number, 0] = pixels.reshape(frames, 56)
        cells['annot3'][number, 0] = points.reshape(frames, 84) + number
        cells['univ_annot3'][number, 0] = 0.9 * points.reshape(frames, 84)
    target = folder / 'S1/Seq1'
    target.mkdir(parents=True)
    savemat(target / 'annot.mat', {**cells, 'frames': np.arange(frames)[:, None]})
    blocks = [
        f'name          {number}\n  sensor        10 10\n  size          2048 2048\n'
        '  animated      0\n  intrinsic     1500 0 1024 0 0 1500 1024 0 0 0 1 0 0 0 0 1 \n'
        '  extrinsic     1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1 \n  radial        0\n'
        for number in range(9)
    ]
    text = 'Skeletool Camera Calibration File V1.0\n' + ''.join(blocks)
    (target / 'camera.calibration').write_text(text)
    for frame in range(frames):
        name = target / f'imageFrames/video_0/frame_{frame + 1:06d}.jpg'
        write_picture(name, (2048, 2048))
    return points


def write_3dhp_test(folder: Path, frames: int = 3) -> np.ndarray:
    """Write TS1 with its second frame invalid; returns univ_annot3, mm."""
    points = poses(frames, 17, 4) * 1000 + [0, 0, 4000]
    pixels = points[..., :2] / points[..., 2:] * [1490, 1500] + [1030, 1020]
    folder.joinpath('TS1').mkdir(parents=True)
    with h5py.File(folder / 'TS1/annot_data.mat', 'w') as file:
        file['annot2'] = pixels[:, None]
        file['annot3'] = points[:, None]
        file['univ_annot3'] = 0.9 * points[:, None]
        file['valid_frame'] = np.array([[1.0], [0.0]] + [[1.0]] * (frames - 2))
    return 0.9 * points


def write_coco(folder: Path, subset: str = 'val2017', pictures: bool = True) -> dict:
    """Write two people, a crowd and somebody without keypoints; returns the annotations."""
    keypoints = np.zeros((17, 3), int)
    keypoints[:11] = np.column_stack(
        [np.arange(20, 130, 10), np.arange(30, 85, 5), [2, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2]]
    )
    person = {
        'id': 7,
        'image_id': 42,
        'category_id': 1,
        'iscrowd': 0,
        'area': 5000.5,
        'bbox': [10.0, 20.0, 120.0, 70.0],
        'num_keypoints': 11,
        'keypoints': keypoints.ravel().tolist(),
    }
    stored = {
        'images': [{'id': 42, 'file_name': '000000000042.jpg', 'width': 160, 'height': 120}],
        'annotations': [
            person,
            {**person, 'id': 8, 'iscrowd': 1},
            {**person, 'id': 9, 'num_keypoints': 0},
            {**person, 'id': 10, 'area': 4000.0},
        ],
    }
    path = folder / f'annotations/person_keypoints_{subset}.json'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(stored))
    if pictures:
        write_picture(folder / subset / '000000000042.jpg', (160, 120))
    return stored
