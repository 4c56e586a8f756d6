"""The console: pages for what the registry declares, and the frame, the look and the parts that pages of other plugins use."""
