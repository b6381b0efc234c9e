# ROS 2 Jazzy with CUDA and TensorRT, for a desktop with an NVIDIA GPU and nvidia-container-toolkit:
#     docker build -f docker/jazzy.Dockerfile -t unihpe_ros:jazzy .
#     docker build -f docker/cuda.Dockerfile -t unihpe_ros:cuda .
#     docker run --gpus all --ipc=host --network=host unihpe_ros:cuda
FROM nvcr.io/nvidia/tensorrt:25.06-py3 AS tensorrt

FROM unihpe_ros:jazzy
# The toolkit compiles PyCUDA; TensorRT-RTX comes as a wheel and needs no engine of the vendor's.
COPY --from=tensorrt /usr/local/cuda /usr/local/cuda
ENV PATH=/usr/local/cuda/bin:$PATH LD_LIBRARY_PATH=/usr/local/cuda/lib64
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ python3-dev \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m pip install --no-cache-dir '/ws/src/unihpe_ros[tensorrt,tensorrt-rtx]'
