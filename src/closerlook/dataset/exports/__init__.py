"""Where data sets go: one format a file, each writing a folder that other programs read."""
