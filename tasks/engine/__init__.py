"""The straight line: claim → route → call → settle. It never calls upward."""
