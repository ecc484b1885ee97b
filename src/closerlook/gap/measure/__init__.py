"""The passes over the images: cells, moments of source and target, and their files."""
