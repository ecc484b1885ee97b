"""People: body, wardrobe, hair, carried things and gait.

``sample_person(seed, identity)`` builds one identity, ``sample_pose(rng)`` draws a pose, ``pose_person(person, pose)``
puts one into the other.
"""

from closerlook.synthesis.person.mesh import Material, Person, PosedPerson, Skeleton
from closerlook.synthesis.person.people import sample_person
from closerlook.synthesis.person.pose import Pose, pose_person, sample_pose

__all__ = [
    "Material",
    "Person",
    "Pose",
    "PosedPerson",
    "Skeleton",
    "pose_person",
    "sample_person",
    "sample_pose",
]
