"""Pages for administrators: plugins, rights, people, what the company says of itself, what it adds, and how the installation is."""
