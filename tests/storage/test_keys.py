from closerlook.storage.keys import changes, digest, plain


def test_equal_inputs_have_equal_keys_whatever_their_order() -> None:
    one, other = {"a": (1, 2), "b": {"x": 1.5, "y": None}}, {"b": {"y": None, "x": 1.5}, "a": [1, 2]}
    assert digest(one) == digest(other)
    assert digest(one) != digest({**one, "a": [1, 3]})
    assert changes(plain(one), other) == ""


def test_what_differs_is_named() -> None:
    before = plain({"data": digest(b"a"), "recipe": {"steps": 2, "pad": 1}, "seed": 0})
    now = {"data": digest(b"b"), "recipe": {"steps": 3, "pad": 1}, "seed": 0, "validation": None}
    assert changes(before, now) == "data, recipe.steps (2 there, 3 now)"
    assert "does not say" in changes("an older key", now)
