"""A verdict in words, tables and figures."""
