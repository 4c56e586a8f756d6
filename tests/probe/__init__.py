"""A plugin that uses everything a plugin can use, so that the tests of core need none of ours."""
