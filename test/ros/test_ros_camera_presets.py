import pytest
from unihpe_ros.ros.camera_presets import CAMERA_PRESETS, GENERIC, load_preset
from unihpe_ros.ros.parameters import Parameters


@pytest.mark.parametrize('name', CAMERA_PRESETS)
def test_every_preset_says_where_images_are_and_how_the_driver_starts(name):
    preset = load_preset(name)
    assert set(preset.topics) == set(GENERIC)
    assert all(topic.startswith('/') for topic in preset.topics.values())
    assert bool(preset.start) != bool(preset.driver)
    assert preset.frame
    assert set(preset.parameters) <= set(Parameters.__dataclass_fields__)
    Parameters(**preset.parameters)


def test_every_file_is_a_preset(root):
    files = {path.stem for path in (root / 'config' / 'cameras').glob('*.yaml')}
    assert files == set(CAMERA_PRESETS)


def test_every_preset_is_in_the_documentation(root):
    text = (root / 'docs' / 'cameras.md').read_text()
    for name in CAMERA_PRESETS:
        assert f'`camera:={name}`' in text
        start = load_preset(name).start
        assert ' '.join(start.split()) in ' '.join(text.replace('\\\n', ' ').split())


def test_no_preset_is_the_usual_topics_and_an_unknown_one_is_refused():
    assert load_preset('none').topics == GENERIC
    with pytest.raises(ValueError, match=r'expected none or one of v4l2, .*gazebo; got .kinect'):
        load_preset('kinect')
