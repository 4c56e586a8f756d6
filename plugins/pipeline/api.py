"""What other plugins may import from pipeline."""

from plugins.pipeline.tables import Deal, Pipeline, Stage

__all__ = ["Deal", "Pipeline", "Stage"]
