# ROS 2 Jazzy (Ubuntu 24.04), CPU. Build in the top folder of the repository:
#     docker build -f docker/jazzy.Dockerfile -t unihpe_ros:jazzy .
FROM ros:jazzy-ros-base
# pip may install beside the system's Python: the container has no other user of it.
ENV DEBIAN_FRONTEND=noninteractive PIP_BREAK_SYSTEM_PACKAGES=1
WORKDIR /ws
COPY . src/unihpe_ros
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-pip ros-jazzy-v4l2-camera \
    && rosdep update \
    && rosdep install --from-paths src --ignore-src -y --skip-keys rviz2 \
    && rm -rf /var/lib/apt/lists/*
RUN . /opt/ros/jazzy/setup.sh && colcon build --packages-select unihpe_ros
COPY docker/entrypoint.sh /
ENTRYPOINT ["/entrypoint.sh"]
CMD ["ros2", "launch", "unihpe_ros", "pose.launch.py", "camera:=v4l2"]
