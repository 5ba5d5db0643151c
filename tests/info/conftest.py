"""Properties here are about values; how long an example may take depends on who else is using the machine."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
