"""Poses: joint angles, skeleton, skinning."""
