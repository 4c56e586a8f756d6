"""How values cross to the process in which templates run."""

PICTURE = "$png"
"""The one name in the place of a picture among the values, a PNG in base64; no variable can have it."""
