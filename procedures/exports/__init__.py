"""What leaves Kypho: read models in, bytes out. Nothing here writes, and nothing here knows a request."""
