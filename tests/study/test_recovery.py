from closerlook.study.recovery import Recovery


def test_kept_and_dropped_count_levels():
    levels = ("sunny", "clouds", "foggy", "blizzard")
    found = Recovery("weather", levels, ("sunny", "clouds"), ("clouds", "foggy"), {"plan": ("clouds", "foggy")})
    assert found.lowest_hits == 1
    assert found.kept("plan") == 1
    assert found.dropped("plan") == 1
