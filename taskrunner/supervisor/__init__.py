"""What `./run` is: sets up what is missing, then runs web and workers as one.

It knows processes, addresses and locks; of the task runner itself it asks the database only.
"""
