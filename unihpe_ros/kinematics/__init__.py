"""Kinematics of people: joint angles, URDF, posture and pointing, from 3D keypoints."""
