from closerlook.randomness import keyed_rng, keyed_seed


def test_seeds_are_the_same_on_every_machine():
    assert keyed_seed(0, "pose", 7) == 11057892473448672487


def test_keys_of_other_types_or_splits_give_other_seeds():
    seeds = {keyed_seed(0, "1"), keyed_seed(0, 1), keyed_seed(0, "a", "b"), keyed_seed(0, "ab"), keyed_seed(1, "1")}
    assert len(seeds) == 5


def test_draws_do_not_depend_on_what_was_drawn_before():
    first = keyed_rng(3, "person", 5).random(4)
    keyed_rng(3, "person", 4).random(100)
    assert (keyed_rng(3, "person", 5).random(4) == first).all()
