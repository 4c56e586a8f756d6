"""HTTP: the pipeline every request passes, the generic collections, OpenAPI, errors."""
