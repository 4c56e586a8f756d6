"""A stand-in for the partner that sets targets: the plugin's name and the entity's fields, nothing else."""
