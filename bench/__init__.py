"""What Dealwright costs, as ratios to the raw limit measured in the same run."""
