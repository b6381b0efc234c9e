# ROS 2 Humble (Ubuntu 22.04), CPU. Build in the top folder of the repository:
#     docker build -f docker/humble.Dockerfile -t unihpe_ros:humble .
FROM ros:humble-ros-base
ENV DEBIAN_FRONTEND=noninteractive
WORKDIR /ws
COPY . src/unihpe_ros
# Humble's scipy and cv_bridge want NumPy 1: pip is held to it.
ENV PIP_CONSTRAINT=/ws/src/unihpe_ros/config/pip/humble.txt
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-pip ros-humble-v4l2-camera \
    && rosdep update \
    && rosdep install --from-paths src --ignore-src -y --skip-keys rviz2 \
    && rm -rf /var/lib/apt/lists/*
RUN . /opt/ros/humble/setup.sh && colcon build --packages-select unihpe_ros
COPY docker/entrypoint.sh /
ENTRYPOINT ["/entrypoint.sh"]
CMD ["ros2", "launch", "unihpe_ros", "pose.launch.py", "camera:=v4l2"]
