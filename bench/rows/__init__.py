"""The rows of the table, one file each: what is done, what is measured, what is promised."""
