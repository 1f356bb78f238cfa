"""The one kind of error that is the reader's to mend."""


class InputError(ValueError):
    """Something given cannot be used: the message says what was found, what was expected and what to do."""
