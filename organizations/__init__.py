"""People and where they belong: roles, devices, departments, regions, enterprises, and who may do what."""
