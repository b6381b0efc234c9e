"""Surroundings of people: outdoors, rooms, furniture, cut-outs, photographs."""
