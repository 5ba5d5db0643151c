"""The field's standard benchmarks: the games in which published methods of communication are compared."""
