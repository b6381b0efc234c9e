"""Runs of lifters of other designs, in the same loop and with the same plain objective."""

from __future__ import annotations

import torch
from torch import nn, Tensor
from unihpe_ros.models.lifters import LIFTERS
from unihpe_ros.training import losses
from unihpe_ros.training.config import ConfigError
from unihpe_ros.training.objective import Objective
from unihpe_ros.training.run import Run


class LifterRun(Run):
    """A run whose preset names a lifter of `models.lifters.LIFTERS` in place of a UniHPE."""

    def build(self) -> nn.Module:
        """Return a new lifter."""
        if self.config.preset not in LIFTERS:
            names = ', '.join(LIFTERS)
            raise ConfigError(f'preset: expected a lifter, {names}; got {self.config.preset!r}')
        return LIFTERS[self.config.preset]()

    def build_objective(self) -> Objective:
        """Return the plain objective."""
        return LifterObjective(self.config)


class LifterObjective(Objective):
    """The losses of a lifter: 3D distance and bone lengths of the lifted pose."""

    def pose_terms(
        self, model: nn.Module, keypoints: Tensor, relative: Tensor
    ) -> dict[str, Tensor]:
        """Return the terms of projected poses."""
        lifted = model(keypoints)
        weight = torch.ones_like(relative[..., 0])
        return {
            'lifting_pose': losses.pose_loss(lifted, relative, weight),
            'lifting_bone': losses.bone_length_loss(lifted, relative),
        }
