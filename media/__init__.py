"""Photos as evidence: their arrival, their safe keeping, what can be seen in them, and who may look."""
