"""Start the pose estimator, a camera and RViz if asked: ros2 launch unihpe_ros pose.launch.py."""

from ament_index_python.packages import get_package_prefix, PackageNotFoundError
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.substitutions import FindPackageShare

ARGUMENTS = {
    'image': ('/camera/image_raw', 'Topic of the images; compressed ones are under it'),
    'camera_info': ('/camera/camera_info', "Topic of the camera's calibration"),
    'depth_image': (
        '/camera/depth_registered/image_raw',
        'Topic of aligned depth',
    ),
    'boxes_in': ('boxes_in', 'Topic of people that another node found (Detection2DArray)'),
    'pose2d_in': ('pose2d_in', 'Topic of 2D keypoints for mode:=lifting'),
    'cameras': (
        '',
        'Several cameras, as front,rear: each takes the place of camera in topics',
    ),
    'namespace': ('unihpe', 'Namespace of the node and its topics'),
    'model': ('', 'Overrides the parameter: name of a shipped model, or path of an exported one'),
    'backend': ('', 'Overrides the parameter: engine that runs the model'),
    'mode': ('', 'Overrides the parameter: image, or lifting of 2D keypoints on pose2d_in'),
    'image_rotation': (
        '',
        'Overrides the parameter: degrees clockwise until the picture is upright, as 0,90',
    ),
    'image_transport': ('', 'Overrides the parameter: raw, or compressed images'),
    'image_qos': ('', 'Overrides the parameter: auto, or reliable'),
    'target_frame': ('', 'Overrides the parameter: frame that TF shall bring the 3D into'),
    'rviz': ('false', 'Show image, cloud and markers'),
    'fixed_frame': ('camera', 'Frame that RViz looks from: frame_id of the images, or one in tf'),
    'autostart': ('true', 'Configure and activate; false waits for lifecycle commands'),
    'camera': ('none', 'Camera driver to start as well: v4l2 for a webcam, or none'),
    'device': ('/dev/video0', 'Device of that camera'),
    'large_images': ('false', 'Use config/fastdds.xml for all that is started from here on'),
}
# Jazzy and older read the second only.
PROFILES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')


def config(name: str) -> PathJoinSubstitution:
    return PathJoinSubstitution([FindPackageShare('unihpe_ros'), 'config', name])


# Those that only override a parameter.
OVERRIDES = ('model', 'backend', 'mode', 'image_transport', 'image_qos', 'target_frame')
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


def estimator(context: LaunchContext) -> list[LifecycleNode]:
    arguments = context.launch_configurations
    # An argument that is not given must not override what the parameter file says.
    given: dict[str, object] = {name: arguments[name] for name in OVERRIDES if arguments[name]}
    cameras = [name.strip() for name in arguments['cameras'].split(',') if name.strip()]
    if cameras:
        given['cameras'] = cameras
    if arguments['image_rotation']:
        given['image_rotation'] = [int(turn) for turn in arguments['image_rotation'].split(',')]
    topics = {name: arguments[name] for name in INPUTS}
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


def camera(context: LaunchContext) -> list[Node]:
    if context.launch_configurations['camera'] == 'none':
        return []
    try:
        get_package_prefix('v4l2_camera')
    except PackageNotFoundError as error:
        raise RuntimeError(
            'camera:=v4l2: expected the package v4l2_camera, which is not installed; '
            'sudo apt install ros-$ROS_DISTRO-v4l2-camera brings it'
        ) from error
    return [
        Node(
            package='v4l2_camera',
            executable='v4l2_camera_node',
            name='camera',
            namespace='camera',
            parameters=[{'video_device': LaunchConfiguration('device')}],
            remappings=[
                ('image_raw', LaunchConfiguration('image')),
                ('image_raw/compressed', [LaunchConfiguration('image'), '/compressed']),
                ('camera_info', LaunchConfiguration('camera_info')),
            ],
            # It is the camera's side that needs room for large images.
            additional_env={name: config('fastdds.xml') for name in PROFILES},
            output='screen',
        )
    ]


def generate_launch_description() -> LaunchDescription:
    topics = ('image_annotated', 'pose3d', 'markers')
    large_images = IfCondition(LaunchConfiguration('large_images'))
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(
                    name,
                    default_value=default,
                    description=description,
                    choices=['none', 'v4l2'] if name == 'camera' else None,
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
            OpaqueFunction(function=camera),
            OpaqueFunction(function=estimator),
            Node(
                package='rviz2',
                executable='rviz2',
                arguments=['-d', config('pose.rviz'), '-f', LaunchConfiguration('fixed_frame')],
                remappings=[
                    (f'/unihpe/{topic}', ['/', LaunchConfiguration('namespace'), f'/{topic}'])
                    for topic in topics
                ],
                condition=IfCondition(LaunchConfiguration('rviz')),
            ),
        ]
    )
