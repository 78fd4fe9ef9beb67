"""How near a target is to the sources of a pretraining."""
