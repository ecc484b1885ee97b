"""Crops of people: from frames with boxes, as a detector or a tracker writes them, to a data set."""
