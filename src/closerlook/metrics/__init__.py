"""Metrics of retrieval: distances, rankings, average precision and CMC, under named protocols."""
