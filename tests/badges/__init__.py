"""A stranger's plugin that puts something into every place of the pages; see `tests/console/test_extension_points.py`."""
