"""What people carry, push or wear on their heads."""
