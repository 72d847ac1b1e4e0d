"""The only floor that speaks HTTP: each module parses, makes one domain call and renders."""
