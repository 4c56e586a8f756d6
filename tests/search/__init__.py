"""Search: tokens, their keeping by the door, and who finds what."""
