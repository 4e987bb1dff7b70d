"""What two models answered on the same rows, from pipelines or from files."""
