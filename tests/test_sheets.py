import numpy as np
from PIL import Image

from closerlook.sheets import sheet_of


def plain(height, width, value):
    return np.full((height, width, 3), value, np.uint8)


def test_each_column_is_as_wide_as_its_widest_and_each_row_as_high_as_its_highest():
    pictures = [plain(2, 3, 10), plain(4, 1, 20), Image.fromarray(plain(1, 5, 30))]
    sheet = np.asarray(sheet_of(pictures, 2, gap=1, margin=(1, 2, 3, 4), paper="black"))
    assert sheet.shape == (2 + 4 + 1 + 1 + 4, 1 + 5 + 1 + 1 + 3, 3)
    expected = np.zeros_like(sheet)
    expected[2:4, 1:4], expected[2:6, 7:8], expected[7:8, 1:6] = 10, 20, 30
    np.testing.assert_array_equal(sheet, expected)


def test_few_pictures_make_a_narrow_sheet():
    assert sheet_of([plain(2, 3, 0)], 6).size == (3, 2)
