"""Scalars for TensorBoard, written where they are told: its own writer has a thread, in which a full disk is lost."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from closerlook.storage.files import explain_os_errors

__all__ = ["Board"]


class Board:
    """Appends to an event file of its own in ``folder``.

    Args:
        first: the step that this part of a run begins with; TensorBoard hides what another part said of later ones.

    Raises:
        ImportError: TensorBoard is not installed.
        CloserlookError: the file cannot be written.
    """

    def __init__(self, folder: Path, first: int) -> None:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event, self._summary = event_pb2.Event, summary_pb2.Summary
        self._path = folder / f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}.{os.getpid()}"
        with explain_os_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._records = RecordWriter(self._path.open("wb"))
        self._write(step=first, file_version="brain.Event:2")
        self._write(step=first, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))

    def add(self, name: str, row: Mapping[str, float]) -> None:
        """Write the values of a step as ``name/loss`` ...; ``row`` has the ``step`` among them."""
        values = [
            self._summary.Value(tag=f"{name}/{key}", simple_value=value) for key, value in row.items() if key != "step"
        ]
        self._write(step=int(row["step"]), summary=self._summary(value=values))

    def close(self) -> None:
        """Close the file."""
        self._records.close()

    def _write(self, **event: Any) -> None:
        with explain_os_errors(self._path):
            self._records.write(self._event(wall_time=time.time(), **event).SerializeToString())
            self._records.flush()
