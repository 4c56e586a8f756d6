"""The features, each a plugin over the public hooks of `sdk`."""
