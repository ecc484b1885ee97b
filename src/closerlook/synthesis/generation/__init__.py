"""From a design to files: parse the design, request its images, split them into tasks, render and write each person."""
