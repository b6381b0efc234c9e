"""Real-time human pose for ROS 2: an image in, metric skeletons with ids out."""

import os
import sys

__version__ = '0.1.0'

# Before anything imports them. ONNX Runtime's wheels write a device id and queue usage events
# under ~/.cache/Microsoft, to send them later; whoever wants that sets the variable to 0.
os.environ.setdefault('ORT_DISABLE_TELEMETRY', '1')
# OpenVINO writes a client id into ~/intel and tells Google Analytics of each import; where the
# module that does so is missing it goes on without.
sys.modules.setdefault('openvino_telemetry', None)  # type: ignore[arg-type]
