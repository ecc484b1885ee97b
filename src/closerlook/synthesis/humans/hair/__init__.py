"""Hair, on a net over the scalp."""
