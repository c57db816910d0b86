"""The rules, one module each. A rule is a pure function from a sample to what it finds; None if the sample is too small
to say anything. A finding that does not hold counts as one of those that were tried.
"""
