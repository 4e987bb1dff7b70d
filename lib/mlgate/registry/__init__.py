"""Models in somebody's registry: judged there, and moved on a verdict alone."""
