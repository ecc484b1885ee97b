"""Triangle meshes of people: building blocks, assembly, level of detail, storage."""
