"""What other plugins may import from pipeline."""

from plugins.pipeline.meanings import SPLIT, lost_reasons, stages_by, won_reasons
from plugins.pipeline.tables import Deal, Pipeline, Stage

__all__ = ["SPLIT", "Deal", "Pipeline", "Stage", "lost_reasons", "stages_by", "won_reasons"]
