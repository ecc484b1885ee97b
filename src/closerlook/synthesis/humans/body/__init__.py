"""The naked body: its base mesh, shape and skin."""
