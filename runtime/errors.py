"""The one exception that speaks to the user."""


class UserError(Exception):
    """Something that the user can act on.

    Its text is one line, holds no secret and no personal data, and says what to do; the command line prints
    it without a traceback and exits 1.
    """
