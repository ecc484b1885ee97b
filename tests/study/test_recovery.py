from closerlook.study.recovery import Recovery


def test_kept_and_dropped_count_levels():
    levels = ("sunny", "clouds", "foggy", "blizzard")
    planted = ("sunny", "clouds")
    found = Recovery("weather", levels, planted, ("clouds", "foggy"), planted, {"plan": ("clouds", "foggy")})
    assert found.lowest_hits == 1
    assert found.shown_hits == 2
    assert found.kept("plan") == 1
    assert found.dropped("plan") == 1
