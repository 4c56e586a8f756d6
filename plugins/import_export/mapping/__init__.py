"""How headings become fields: by name, label, synonym, likeness, or as they did the last time."""
