"""People: body, wardrobe, hair, carried things and gait.

``sample_person(seed, identity)`` builds one identity, ``sample_pose(rng)`` draws a pose, ``pose_person(person, pose)``
puts one into the other, ``pose_batch`` into many at once. ``WARDROBE_VERSION`` belongs into whatever records how people
were made.
"""

from closerlook.synthesis.humans.cache import load_person
from closerlook.synthesis.humans.clothing.wardrobe import VERSION as WARDROBE_VERSION
from closerlook.synthesis.humans.mesh.mesh import Material, Person, PosedBatch, PosedPerson, Skeleton
from closerlook.synthesis.humans.people import sample_person
from closerlook.synthesis.humans.population import Population
from closerlook.synthesis.humans.pose.pose import Pose, pose_batch, pose_person, sample_pose

__all__ = [
    "WARDROBE_VERSION",
    "Material",
    "Person",
    "Population",
    "Pose",
    "PosedBatch",
    "PosedPerson",
    "Skeleton",
    "load_person",
    "pose_batch",
    "pose_person",
    "sample_person",
    "sample_pose",
]
