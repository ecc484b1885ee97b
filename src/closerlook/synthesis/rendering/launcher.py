"""Launching kernels by recorded commands."""

from __future__ import annotations

from collections.abc import Sequence

import warp as wp

__all__ = ["Launcher"]


class Launcher:
    """Runs kernels on a device, each by the command of its last launch: packing only what has changed takes a third of
    the time.

    Args:
        device: where they run.
        long_runs: threads are few and each does much, as a CPU needs it; see :meth:`runs`.
    """

    def __init__(self, device: wp.Device, long_runs: bool) -> None:
        self._device = device
        self._long_runs = long_runs
        self._commands: dict[wp.Kernel, tuple[wp.Launch, list[object], object]] = {}

    def __call__(self, kernel: wp.Kernel, dim: int | tuple[int, ...], inputs: Sequence[object]) -> None:
        """Run a kernel."""
        recorded = self._commands.get(kernel)
        if recorded is None:
            command = wp.launch(kernel, dim=dim, inputs=list(inputs), device=self._device, record_cmd=True)
            self._commands[kernel] = (command, list(inputs), dim)
        else:
            command, last, last_dim = recorded
            if dim != last_dim:
                command.set_dim(dim)
                self._commands[kernel] = (command, last, dim)
            for i, value in enumerate(inputs):
                if value is not last[i]:
                    command.set_param_at_index(i, value)
                    last[i] = value  # keeps arrays alive, too
        command.launch()

    def runs(self, kernel: wp.Kernel, dim: tuple[int, ...], inputs: Sequence[object]) -> None:
        """Run a kernel that is told last how much of the last dimension a thread does.

        A thread of its own for each pixel or triangle would cost the CPU more than many pixels do.
        """
        run = dim[-1] if self._long_runs else 1
        self(kernel, (*dim[:-1], dim[-1] // run), [*inputs, run])
