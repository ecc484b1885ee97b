"""From a design to files: planning, scene parameters, rendering one person at a time, annotations."""
