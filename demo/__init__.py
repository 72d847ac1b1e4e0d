"""An invented city for trials, tours and load tests: nothing in it is true, and everything in it went through the real verbs."""
