"""Pure choices: facts and `now` come in, a decision goes out. No database, clock, sleep, Django.

Times are seconds since the epoch, by the clock of whoever asks (the engine: the database's).
"""
