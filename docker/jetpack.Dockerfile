# ROS 2 Humble on a Jetson Orin with JetPack 6, on the device, with the NVIDIA container runtime:
#     docker build -f docker/jetpack.Dockerfile -t unihpe_ros:jetpack .
#     docker run --runtime nvidia --ipc=host --network=host unihpe_ros:jetpack
FROM dustynv/ros:humble-ros-base-l4t-r36.4.0
ENV DEBIAN_FRONTEND=noninteractive
WORKDIR /ws
COPY . src/unihpe_ros
ENV PIP_CONSTRAINT=/ws/src/unihpe_ros/config/pip/humble.txt PATH=/usr/local/cuda/bin:$PATH
# The image's Python has TensorRT; PyCUDA is compiled against the image's CUDA.
RUN python3 -m pip install --no-cache-dir pycuda 'onnx>=1.16' onnxruntime scipy tqdm pyyaml
RUN . /opt/ros/humble/install/setup.sh && colcon build --packages-select unihpe_ros
COPY docker/entrypoint.sh /
ENTRYPOINT ["/entrypoint.sh"]
CMD ["ros2", "launch", "unihpe_ros", "pose.launch.py"]
