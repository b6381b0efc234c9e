#!/bin/sh
# Sources ROS and the workspace, then runs the command.
set -e
for setup in "/opt/ros/$ROS_DISTRO/setup.sh" "/opt/ros/$ROS_DISTRO/install/setup.sh" /ws/install/setup.sh; do
    [ ! -f "$setup" ] || . "$setup"
done
exec "$@"
