"""Start the pose estimator, a camera and RViz if asked: ros2 launch unihpe_ros pose.launch.py."""

from ament_index_python.packages import get_package_prefix, PackageNotFoundError
from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    LogInfo,
    OpaqueFunction,
    SetEnvironmentVariable,
)
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.substitutions import FindPackageShare
from unihpe_ros.ros.camera_presets import CAMERA_PRESETS, load_preset
from unihpe_ros.ros.launch_arguments import unused_arguments

ARGUMENTS = {
    'image': ('', 'Topic of the images, if not that of camera; compressed ones are under it'),
    'camera_info': ('', "Topic of the camera's calibration, if not that of camera"),
    'depth_image': ('', 'Topic of aligned depth, if not that of camera'),
    'boxes_in': ('boxes_in', 'Topic of people that another node found (Detection2DArray)'),
    'pose2d_in': ('pose2d_in', 'Topic of 2D keypoints for mode:=lifting'),
    'cameras': (
        '',
        'Several cameras, as front,rear: each takes the place of camera in topics',
    ),
    'namespace': ('unihpe', 'Namespace of the node and its topics'),
    'model': ('', 'Overrides the parameter: name of a shipped model, or path of an exported one'),
    'model_2d': (
        '',
        'Overrides the parameter: ONNX file of a 2D network of another maker',
    ),
    'backend': ('', 'Overrides the parameter: engine that runs the model'),
    'mode': ('', 'Overrides the parameter: image, or lifting of 2D keypoints on pose2d_in'),
    'image_rotation': (
        '',
        'Overrides the parameter: degrees clockwise until the picture is upright, as 0,90',
    ),
    'image_transport': ('', 'Overrides the parameter: raw, or compressed images'),
    'image_qos': ('', 'Overrides the parameter: auto, or reliable'),
    'target_frame': ('', 'Overrides the parameter: TF frame into which 3D is transformed'),
    'rviz': ('false', 'Show image, cloud and markers'),
    'fixed_frame': ('', 'Frame that RViz looks from, if not that of the images: one in tf'),
    'autostart': ('true', 'Configure and activate; false waits for lifecycle commands'),
    'camera': (
        'none',
        'Driver whose topics are used: v4l2 or usb_cam, which are started too, realsense, zed, '
        'oak, orbbec, gazebo, or none for /camera/image_raw',
    ),
    'device': ('/dev/video0', 'Device of that camera'),
    'large_images': ('false', 'Use config/fastdds.xml for all that is started from here on'),
}
# Jazzy and older read the second only.
PROFILES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')


def config(name: str) -> PathJoinSubstitution:
    return PathJoinSubstitution([FindPackageShare('unihpe_ros'), 'config', name])


# Those that only override a parameter.
OVERRIDES = (
    *('model', 'model_2d', 'backend', 'mode'),
    *('image_transport', 'image_qos', 'target_frame'),
)
INPUTS = ('image', 'camera_info', 'depth_image', 'boxes_in', 'pose2d_in')


def remappings(topics: dict[str, str], cameras: list[str]) -> list[tuple[str, str]]:
    if cameras:
        topics = {
            f'{camera}/{name}': topic.replace('/camera/', f'/{camera}/')
            for camera in cameras
            for name, topic in topics.items()
            # A topic that is the same for all would give them all one camera's people.
            if '/camera/' in topic
        }
    compressed = {
        f'{name}/compressed': f'{topic}/compressed'
        for name, topic in topics.items()
        if name.rpartition('/')[2] == 'image'
    }
    return list({**topics, **compressed}.items())


def topic_of(name: str, context: LaunchContext) -> str:
    arguments = context.launch_configurations
    preset = load_preset(arguments['camera'])
    return arguments[name] or preset.topics[name]


def estimator(context: LaunchContext) -> list[LifecycleNode]:
    arguments = context.launch_configurations
    # An argument that is not given must not override what the parameter file says.
    given: dict[str, object] = {name: arguments[name] for name in OVERRIDES if arguments[name]}
    cameras = [name.strip() for name in arguments['cameras'].split(',') if name.strip()]
    if cameras:
        given['cameras'] = cameras
    if arguments['image_rotation']:
        given['image_rotation'] = [int(turn) for turn in arguments['image_rotation'].split(',')]
    preset = load_preset(arguments['camera'])
    given = {**preset.parameters, **given}
    topics = {name: topic_of(name, context) for name in INPUTS}
    return [
        LifecycleNode(
            package='unihpe_ros',
            executable='pose_estimator',
            name='pose_estimator',
            namespace=LaunchConfiguration('namespace'),
            parameters=[
                LaunchConfiguration('params_file'),
                {'autostart': LaunchConfiguration('autostart'), **given},
            ],
            remappings=remappings(topics, cameras),
            output='screen',
        )
    ]


def unused(context: LaunchContext) -> list[LogInfo]:
    known = (*ARGUMENTS, 'params_file')
    return [LogInfo(msg=words) for words in unused_arguments(context.launch_configurations, known)]


def camera(context: LaunchContext) -> list[Node | LogInfo]:
    name = context.launch_configurations['camera']
    preset = load_preset(name)
    if not preset.driver:
        words = f'camera:={name}: the driver is to be started apart: {preset.start}'
        return [LogInfo(msg=words)] if preset.start else []
    package = preset.driver['package']
    try:
        get_package_prefix(package)
    except PackageNotFoundError as error:
        raise RuntimeError(
            f'camera:={name}: expected the package {package}, which is not installed; '
            f'sudo apt install ros-$ROS_DISTRO-{package.replace("_", "-")} brings it'
        ) from error
    image = topic_of('image', context)
    device = {preset.driver['device_parameter']: LaunchConfiguration('device')}
    return [
        Node(
            package=package,
            executable=preset.driver['executable'],
            name='camera',
            namespace='camera',
            parameters=[device],
            remappings=[
                ('image_raw', image),
                ('image_raw/compressed', f'{image}/compressed'),
                ('camera_info', topic_of('camera_info', context)),
            ],
            # It is the camera's side that needs room for large images.
            additional_env={name: config('fastdds.xml') for name in PROFILES},
            output='screen',
        )
    ]


def rviz(context: LaunchContext) -> list[Node]:
    arguments = context.launch_configurations
    topics = ('image_annotated', 'pose3d', 'markers')
    frame = arguments['fixed_frame'] or load_preset(arguments['camera']).frame
    return [
        Node(
            package='rviz2',
            executable='rviz2',
            arguments=['-d', config('pose.rviz'), '-f', frame],
            remappings=[
                (f'/unihpe/{topic}', f'/{arguments["namespace"]}/{topic}') for topic in topics
            ],
            condition=IfCondition(LaunchConfiguration('rviz')),
        )
    ]


def generate_launch_description() -> LaunchDescription:
    large_images = IfCondition(LaunchConfiguration('large_images'))
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(
                    name,
                    default_value=default,
                    description=description,
                    choices=['none', *CAMERA_PRESETS] if name == 'camera' else None,
                )
                for name, (default, description) in ARGUMENTS.items()
            ),
            DeclareLaunchArgument(
                'params_file',
                default_value=config('pose.yaml'),
                description='YAML file of parameters',
            ),
            *(
                SetEnvironmentVariable(name, config('fastdds.xml'), condition=large_images)
                for name in PROFILES
            ),
            OpaqueFunction(function=unused),
            OpaqueFunction(function=camera),
            OpaqueFunction(function=estimator),
            OpaqueFunction(function=rviz),
        ]
    )
