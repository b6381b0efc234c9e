"""Start the pose estimator, and RViz if asked: ros2 launch unihpe_ros pose.launch.py."""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.substitutions import FindPackageShare

ARGUMENTS = {
    'image': ('/camera/image_raw', 'Topic of the images; compressed ones are under it'),
    'camera_info': ('/camera/camera_info', "Topic of the camera's calibration"),
    'namespace': ('unihpe', 'Namespace of the node and its topics'),
    'model': ('', 'Overrides the parameter: name of a shipped model, or path of an exported one'),
    'backend': ('', 'Overrides the parameter: engine that runs the model'),
    'rviz': ('false', 'Show image, cloud and markers'),
    'fixed_frame': ('camera', 'Frame that RViz looks from: frame_id of the images, or one in tf'),
    'autostart': ('true', 'Configure and activate; false waits for lifecycle commands'),
    'large_images': ('false', 'Use config/fastdds.xml for all that is started from here on'),
}


def config(name: str) -> PathJoinSubstitution:
    return PathJoinSubstitution([FindPackageShare('unihpe_ros'), 'config', name])


def estimator(context: LaunchContext) -> list[LifecycleNode]:
    # An argument that is not given must not override what the parameter file says.
    given = {name: context.launch_configurations[name] for name in ('model', 'backend')}
    given = {name: value for name, value in given.items() if value}
    image = LaunchConfiguration('image')
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
            remappings=[
                ('image', image),
                ('image/compressed', [image, '/compressed']),
                ('camera_info', LaunchConfiguration('camera_info')),
            ],
            output='screen',
        )
    ]


def generate_launch_description() -> LaunchDescription:
    topics = ('image_annotated', 'pose3d', 'markers')
    large_images = IfCondition(LaunchConfiguration('large_images'))
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=description)
                for name, (default, description) in ARGUMENTS.items()
            ),
            DeclareLaunchArgument(
                'params_file',
                default_value=config('pose.yaml'),
                description='YAML file of parameters',
            ),
            # Jazzy and older read the second only.
            *(
                SetEnvironmentVariable(name, config('fastdds.xml'), condition=large_images)
                for name in ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')
            ),
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
