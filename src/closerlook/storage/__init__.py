"""Files: written so that nothing half-written looks complete, read so that a damaged one is a message."""
