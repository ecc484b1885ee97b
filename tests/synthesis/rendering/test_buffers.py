import numpy as np
import pytest
import warp as wp
from hypothesis import given, strategies as st

from closerlook.compute.kernels import start_warp
from closerlook.synthesis.rendering.buffers import Buffers


@pytest.fixture(params=[True, False], ids=["shared", "copied"])
def buffers(request):
    start_warp()
    return Buffers(wp.get_device("cpu"), request.param)


def test_rows_are_sent_to_memory_that_stays_while_they_fit(buffers):
    first = buffers.send("rows", np.arange(5, dtype=np.float32), wp.float32)
    assert first.shape == (8,)
    for values in ([7.0, 8.0], np.arange(8)):
        again = buffers.send("rows", np.array(values, np.float32), wp.float32)
        assert again is first and again.numpy()[: len(values)].tolist() == list(values)
    more = buffers.send("rows", np.arange(9, dtype=np.float32), wp.float32)
    assert more.shape == (16,) and more.numpy()[:9].tolist() == list(range(9))
    assert buffers.send("rows", np.ones((2, 3), np.float32), wp.vec3).shape == (16,)


def test_what_was_sent_may_be_written_to_afterwards(buffers):
    values = np.ones(3, np.float32)
    sent = buffers.send("rows", values, wp.float32)
    values[:] = 5
    assert sent.numpy()[:3].tolist() == [1, 1, 1]


def test_scratch_has_as_many_rows_as_asked_and_room_enough_beside(buffers):
    kept = buffers.scratch("direct", (1, 7, 24), wp.float32)
    assert buffers.scratch("direct", (1, 2, 24), wp.float32) is kept
    assert buffers.scratch("direct", (3, 2, 24), wp.float32).shape == (3, 2, 24)


def test_a_row_is_read_as_it_is_now_whatever_was_kept_before(buffers):
    array = buffers.zeros("rows", (2, 4), wp.float32)
    assert not buffers.row(array, 1).any()
    array.fill_(3.0)
    assert (buffers.row(array, 1) == 3).all()
    del array
    larger = buffers.zeros("rows", (5, 4), wp.float32)
    assert not buffers.row(larger, 4).any()


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=8))
def test_room_is_a_power_of_two_that_never_shrinks(counts):
    start_warp()
    buffers, before = Buffers(wp.get_device("cpu"), True), 0
    for count in counts:
        room = buffers.capacity("views", count)
        assert room >= max(count, before, 1) and room & (room - 1) == 0 and room < 2 * max(*counts, 1)
        before = room
