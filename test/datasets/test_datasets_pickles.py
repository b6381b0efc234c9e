"""Pickles from strangers: arrays come through, whatever else asks to be run does not."""

import os
import pickle

import numpy as np
import pytest
from unihpe_ros.datasets.pickles import read_npz, read_pickle
from unihpe_ros.datasets.records import DatasetError


class Bomb:
    def __reduce__(self):
        return os.system, ('touch exploded',)


@pytest.mark.parametrize('protocol', [2, 3, 4, 5])
def test_arrays_and_plain_values_come_through(tmp_path, protocol):
    value = {
        'a': np.arange(6.0).reshape(2, 3),
        'list': [np.float32(1.5), 'text', None, (1, True)],
        'empty': np.zeros((0, 3)),
        'objects': np.array([{'x': np.ones(2)}, 'b'], object),
    }
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(value, protocol))
    found = read_pickle(tmp_path / 'a.pkl')
    assert np.array_equal(found['a'], value['a'])
    assert found['list'] == value['list']
    assert found['empty'].shape == (0, 3)
    assert np.array_equal(found['objects'][0]['x'], np.ones(2))


def test_the_old_names_of_numpy_come_through(tmp_path):
    data = pickle.dumps(np.arange(3), 3).replace(b'numpy._core', b'numpy.core')
    (tmp_path / 'old.pkl').write_bytes(data)
    assert read_pickle(tmp_path / 'old.pkl').tolist() == [0, 1, 2]


def test_bytes_of_old_pickles_are_latin1_alone(tmp_path):
    old = pickle.dumps(np.arange(3), 2)
    assert b'_codecs' in old, 'what NumPy wrote until 1.16'
    (tmp_path / 'odd.pkl').write_bytes(old.replace(b'latin1', b'base64'))
    with pytest.raises(DatasetError, match='expected latin1'):
        read_pickle(tmp_path / 'odd.pkl')
    of_python_2 = b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'f8'\nI0\nI1\ntRS"
    (tmp_path / 'two.pkl').write_bytes(of_python_2 + b"'\x00\x00\x00\x00\x00\x00\xf8?'\ntR.")
    assert read_pickle(tmp_path / 'two.pkl') == 1.5


class Reduced:
    """What a pickle makes of a call and a state of the attacker's choice."""

    def __init__(self, *parts):
        self.parts = parts

    def __reduce__(self):
        return self.parts


def test_forged_states_reach_no_memory(tmp_path):
    """NumPy's own reader dies of the first and reads beyond the list of the second."""
    path = tmp_path / 'forged.pkl'
    make, start = np.zeros(1).__reduce__()[:2]

    def array(shape, kind, data):
        path.write_bytes(pickle.dumps(Reduced(make, start, (1, shape, kind, False, data))))
        return read_pickle(path)

    flags = Reduced(np.dtype, ('f8', False, True), (3, '<', None, None, None, -1, -1, 63))
    assert array((2,), flags, np.arange(2.0).tobytes()).tolist() == [0, 1]
    fields = Reduced(np.dtype, ('f8', False, True), (3, '<', None, ('a',), {}, 8, 8, 63))
    objects = np.dtype(object)
    for shape, kind, data, words in (
        ((2,), fields, bytes(16), 'expected the type of plain values'),
        ((2,), np.dtype([('a', 'f8')]), bytes(16), 'expected the type of plain values'),
        ((5,), objects, [1], 'expected .* objects; got 1'),
        ((-1,), objects, [], 'expected .* objects; got 0'),
        ((2,), np.dtype('f8'), bytes(8), 'not a readable pickle'),
        ((2,), 'f8', bytes(16), 'expected the data type of an array'),
    ):
        with pytest.raises(DatasetError, match=rf'forged\.pkl: .*{words}'):
            array(shape, kind, data)


def test_foreign_code_is_refused_and_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'bad.pkl').write_bytes(pickle.dumps({'a': Bomb()}))
    with pytest.raises(DatasetError, match=r'bad\.pkl: the pickle asks for \w+\.system; only Num'):
        read_pickle(tmp_path / 'bad.pkl')
    np.savez(tmp_path / 'bad.npz', positions=np.array(Bomb(), object))
    with pytest.raises(DatasetError, match=r'bad\.npz: positions: .*only NumPy arrays'):
        read_npz(tmp_path / 'bad.npz', 'positions', hint='')
    assert not (tmp_path / 'exploded').exists()


def test_objects_within_npz_are_read_beside_plain_arrays(tmp_path):
    tree = {'S9': {'Walking': np.ones((2, 3))}}
    np.savez_compressed(tmp_path / 'a.npz', tree=tree, plain=np.arange(4))
    found = read_npz(tmp_path / 'a.npz', 'tree', 'plain', hint='')
    assert np.array_equal(found['tree'].item()['S9']['Walking'], np.ones((2, 3)))
    assert found['plain'].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ('data', 'words'),
    [(b'', 'not a readable pickle'), (b'\x80\x02}q\x00(', 'not a readable pickle')],
)
def test_damaged_pickles_are_named(tmp_path, data, words):
    (tmp_path / 'cut.pkl').write_bytes(data)
    with pytest.raises(DatasetError, match=rf'cut\.pkl: {words}'):
        read_pickle(tmp_path / 'cut.pkl')


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(DatasetError, match=r'none\.pkl: No such file'):
        read_pickle(tmp_path / 'none.pkl')
    with pytest.raises(DatasetError, match=r'none\.npz: no such file; download it'):
        read_npz(tmp_path / 'none.npz', 'a', hint='download it')
    (tmp_path / 'no.npz').write_bytes(b'no zip')
    with pytest.raises(DatasetError, match=r'no\.npz: not a readable \.npz'):
        read_npz(tmp_path / 'no.npz', 'a', hint='')
    np.savez(tmp_path / 'b.npz', b=np.ones(1))
    with pytest.raises(DatasetError, match=r'b\.npz: expected key a; got b'):
        read_npz(tmp_path / 'b.npz', 'a', hint='')


def test_a_damaged_archive_is_named_wherever_it_is_hit(tmp_path):
    path = tmp_path / 'hit.npz'
    np.savez_compressed(path, a=np.random.default_rng(0).normal(size=500))
    whole = path.read_bytes()
    messages = set()
    for place in range(0, len(whole), 97):
        path.write_bytes(whole[:place] + b'\xff' * 20 + whole[place + 20 :])
        try:
            read_npz(path, 'a', hint='')
        except DatasetError as error:
            messages.add(str(error))
    assert any('invalid' in message for message in messages), 'deflated data were hit'
    assert all(message.startswith(f'{path}: ') for message in messages)
