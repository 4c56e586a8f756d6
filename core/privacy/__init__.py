"""The data of a person: gathered, given out, erased."""
