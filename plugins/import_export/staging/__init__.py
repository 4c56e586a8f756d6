"""Files between their upload and their import: kept once, mapped, looked at, mended."""
