"""One person in one scene, from a set of knobs: the picture, and the design and command that render the same one."""

from closerlook.studio.knobs import Knobs, as_command, as_yaml
from closerlook.studio.nearness import Nearness
from closerlook.studio.picture import picture

__all__ = ["Knobs", "Nearness", "as_command", "as_yaml", "picture"]
