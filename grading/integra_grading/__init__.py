"""Pure rules of the course: items, forms, draws, scoring, gain, rubric, standing and event types.

Only the standard library; time, seeds and configuration are arguments.
"""
