"""What a bug report needs to know: versions, backends, folders, ROS and cameras, and faults."""
