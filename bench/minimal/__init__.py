"""The least that DRF can do with one insert and one lookup: what the API's speed is held against.

No keys, no throttle, no audit, no events, no rules but a text: a view set over one table of three
columns, in a project as `django-admin startproject` lays it out.
"""
