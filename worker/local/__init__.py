"""What runs an installation on one machine: the embedded Redis server and the supervisor of its processes."""
