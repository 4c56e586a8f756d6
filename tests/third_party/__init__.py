"""Two plugins of strangers, each a package of its own, and the proof that they need nothing but the SDK."""
