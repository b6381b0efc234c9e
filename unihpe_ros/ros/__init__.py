"""The ROS 2 side: images in, skeletons out; everything that knows a message type lives here."""
