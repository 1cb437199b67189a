"""A pretend LMS: the demo's course and the tests' LTI 1.3 platform.

It is a program of its own, on an origin of its own, and imports nothing of Foyer. It behaves as D2L
Brightspace does, as far as that is known: what Brightspace would refuse, it refuses, and what Brightspace
leaves out, it leaves out.
"""
