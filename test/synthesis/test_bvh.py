"""Motion capture files: forward kinematics against SciPy, naming conventions, error words."""

import tarfile

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from tiny_motion import ROLES, swaying, write_clip
from unihpe_ros.synthesis.motion.bvh_reader import MotionError, read_bvh
from unihpe_ros.synthesis.motion.joint_names import CONVENTIONS, find_roles
from unihpe_ros.synthesis.motion.motion_bank import find_clips, load_motions, motion_folder
from unihpe_ros.synthesis.motion.retarget import retarget


def test_positions_agree_with_scipy(tmp_path):
    angles = swaying(1)
    motion = read_bvh(write_clip(tmp_path / '01/a.bvh', angles), rate=120, skip=0)
    for frame in (0, 7, 23):
        turned = Rotation.identity()
        place = np.array([0, 90, 0.5 * frame])
        for role, below in (('hips', 'left_thigh'), ('left_thigh', 'left_shin')):
            turned *= Rotation.from_euler('ZXY', angles(role, frame), degrees=True)
            place = place + turned.apply(ROLES[below][1])
        knee = motion.positions()[frame, motion.joints.index('lShin')]
        # Y up, facing +Z becomes Z up, facing -Y.
        assert knee == pytest.approx([place[0], -place[2], place[1]], abs=1e-6)


def test_left_is_plus_x_and_the_front_is_minus_y(tmp_path):
    motion = read_bvh(write_clip(tmp_path / '01/a.bvh'), rate=120)
    rest = dict(zip(motion.joints, motion.rest_positions(), strict=True))
    assert rest['lHand'][0] > 40 > -40 > rest['rHand'][0]
    assert rest['End_lFoot'][1] < rest['lFoot'][1] - 10
    assert rest['head'][2] > 50 > -50 > rest['lFoot'][2]


def test_rate_and_skip_choose_frames(tmp_path):
    motion = read_bvh(write_clip(tmp_path / '01/a.bvh', frames=30), rate=10, skip=1)
    assert motion.frames.tolist() == [1, 13, 25]
    assert motion.frame_time == pytest.approx(0.1, abs=1e-3)


@pytest.mark.parametrize('convention', list(CONVENTIONS))
def test_every_convention_gives_the_same_motion(tmp_path, convention):
    angles = swaying(3)
    daz = retarget(read_bvh(write_clip(tmp_path / 'a.bvh', angles), 60))
    other = retarget(read_bvh(write_clip(tmp_path / 'b.bvh', angles, convention=convention), 60))
    assert other.rotations == pytest.approx(daz.rotations, abs=1e-6)
    assert other.limb_directions == pytest.approx(daz.limb_directions, abs=1e-6)


def test_any_hierarchy_is_read_but_its_names_must_be_known(tmp_path):
    path = tmp_path / 'octopus.bvh'
    path.write_text(
        'HIERARCHY\nROOT Mantle\n{\nOFFSET 0 0 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n'
        'JOINT Tentacle\n{\nOFFSET 0 1 0\nCHANNELS 1 Xrotation\nEnd Site\n{\nOFFSET 0 1 0\n}\n}\n'
        '}\nMOTION\nFrames: 2\nFrame Time: 0.01\n0 0 0 0\n0 0 0 90\n'
    )
    motion = read_bvh(path)
    assert motion.positions()[0, 2] == pytest.approx([0, -1, 1])
    with pytest.raises(MotionError, match=r'octopus\.bvh.*not known: Mantle, Tentacle'):
        find_roles(motion)


@pytest.mark.parametrize(
    ('old', 'new', 'words'),
    [
        ('OFFSET 0 10 0', 'OFFSET 0 ten 0', r'line 8: expected 3 numbers'),
        ('CHANNELS 3 Zrotation', 'CHANNELS 2 Zrotation', r'line 9: expected CHANNELS'),
        ('JOINT abdomen', 'BONE abdomen', r"line 6: unexpected 'BONE'"),
        ('JOINT abdomen', 'JOINT', r'line 6: JOINT is out of place or has no name'),
        ('MOTION', '', r"line 118: unexpected 'Frames:' in the hierarchy"),
        ('Frames: 24', 'Frames: 25', r'expected 25 frames \(more than 1\), got 24'),
        ('Frame Time: 0.0083333', 'Frame Time: 0', r'expected a frame time above 0 s'),
        ('Frame Time', 'Time', r"expected 'Frame Time:', got 'Time: 0.0083333'"),
        ('0.000000 90.000000 0.500000', '0.5', r'line 121: expected 60 numbers, got 58'),
        ('0.000000 90.000000 0.500000', 'nan 90 0', r'line 121: expected finite numbers'),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path, old, new, words):
    path = write_clip(tmp_path / '01/broken.bvh')
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(MotionError, match=words) as caught:
        read_bvh(path, rate=120)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MotionError, match=r'nobody\.bvh: cannot be read'):
        read_bvh(tmp_path / 'nobody.bvh')


def test_splits_go_by_subject(tmp_path):
    for name in ('01/a', '03/b', '14/c', '11/d'):
        write_clip(tmp_path / f'{name}.bvh')
    train, test = (load_motions(find_clips(tmp_path, s), 30) for s in ('train', 'test'))
    assert train.names == ('01/a', '14/c')
    assert test.names == ('03/b', '11/d')
    assert len(train) == len(train.clip) == 2 * 6


def test_a_folder_without_clips_says_so(tmp_path):
    with pytest.raises(MotionError, match='expected BVH clips in sub-folders, found none'):
        find_clips(tmp_path, 'train')
    write_clip(tmp_path / '03/a.bvh')
    with pytest.raises(MotionError, match='no clip of the train split'):
        find_clips(tmp_path, 'train')


def test_an_archive_is_unpacked_once_and_only_below_the_folder(tmp_path):
    clip = write_clip(tmp_path / 'here/a.bvh')
    with tarfile.open(tmp_path / 'clips.tar.xz', 'w:xz') as tar:
        tar.add(clip, '01/a.bvh')
    folder = motion_folder(tmp_path / 'clips.tar.xz', tmp_path / 'cache')
    assert find_clips(folder, 'train') == [tmp_path / 'cache/01/a.bvh']
    with tarfile.open(tmp_path / 'evil.tar', 'w') as tar:
        tar.add(clip, '../evil.bvh')
    with pytest.raises(MotionError, match=r"'\.\./evil\.bvh' points out of the archive"):
        motion_folder(tmp_path / 'evil.tar', tmp_path / 'other')
    with pytest.raises(MotionError, match=r'expected a folder or a \.tar\.xz archive'):
        motion_folder(clip, tmp_path / 'other')


def test_an_archive_without_clips_says_so_and_leaves_nothing(tmp_path):
    (tmp_path / 'notes.txt').write_text('no motion')
    with tarfile.open(tmp_path / 'clips.tar', 'w') as tar:
        tar.add(tmp_path / 'notes.txt', 'notes.txt')
    with pytest.raises(MotionError, match=r'clips\.tar: expected an archive of \.bvh clips'):
        motion_folder(tmp_path / 'clips.tar', tmp_path / 'cache')
    assert not (tmp_path / 'cache').exists()


def bend_left_forearm(motion, hand):
    """Turn the rest direction of the left forearm by 17 degrees against the upper arm's."""
    turn = Rotation.from_euler('y', 17, degrees=True)
    joint = motion.joints.index(hand)
    motion.offsets[joint] = turn.apply(motion.offsets[joint])
    return motion


def test_the_bent_rest_pose_of_daz_clips_does_not_bend_straight_limbs(tmp_path):
    clip = read_bvh(write_clip(tmp_path / '01/a.bvh'), rate=120)
    thigh, shin, _, upper_arm, forearm, _ = retarget(
        bend_left_forearm(clip, 'lHand')
    ).limb_directions[:6]
    assert forearm == pytest.approx(upper_arm)
    assert shin == pytest.approx(thigh)
    clip = read_bvh(write_clip(tmp_path / '01/b.bvh', convention='motionbuilder'), rate=120)
    directions = retarget(bend_left_forearm(clip, 'LeftHand')).limb_directions
    assert directions[4] @ directions[3] == pytest.approx(np.cos(np.radians(17)), abs=1e-4)
