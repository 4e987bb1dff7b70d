"""The parts of the service: requests that arrive together are answered together, by whatever is in production."""
