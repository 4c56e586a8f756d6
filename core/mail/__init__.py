"""Mail that leaves the house, through the installation's own server."""
