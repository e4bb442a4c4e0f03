"""Who trains when, and where: the queue of trainings, its processes, sweeps of settings, and clusters."""
